"""A backend's event handlers and log records, run by one thread of their own, in order.

Handlers are the user's code: they may block, and they may call the backend. So they run neither
in the thread that reads the wire nor with its lock. A queue lies between; whoever reads the wire
waits a moment for handlers that make progress, and drops the oldest events of those that hang.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.host.events import Queue, QueueMany
    from bridgekit.wire.bursts import Run
    from bridgekit.wire.messages import Event

__all__ = ["Callbacks"]

_CROWDED = 2000
"""Waiting events from which the reader of the wire holds back."""
_MOST = 20_000
_MOST_BYTES = 2 * 1024 * 1024
_STALLED = 0.05
"""Seconds without a handled event after which handlers count as hanging."""
_LAST_WORK = 2.0
"""Seconds that the handlers of the last events may take before nobody waits for them."""
_LINGER = 1.0
"""Seconds that the thread stays without work before it ends."""

logger = logging.getLogger("bridgekit")


class Callbacks:
    """The queue and its thread, which exists only while there is something to do."""

    def __init__(self, name: str) -> None:
        self.dropped = 0
        self._name = name
        self._queue: deque[tuple[Callable[[Any], object], list[Any] | Run, int]] = deque()
        # Events and bytes: what came (less what was dropped) and what was handled. Each is
        # written by one side only.
        self._came = self._handled = 0
        self._bytes_in = self._bytes_out = 0
        self._room: threading.Lock | None = None
        self._stalled = False
        self._seen, self._seen_at = -1, 0.0
        self._closed = False
        self._channels: list[Channel] = []
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._idle = False
        self._thread: threading.Thread | None = None

    def attach(self, channel: Channel) -> None:
        """Hold back whoever reads ``channel`` when handlers fall behind."""
        self._channels.append(channel)
        channel.relieve = self.relieve
        channel.eased = self.eased

    def detach(self, channel: Channel) -> None:
        """Nobody reads ``channel`` any more."""
        if channel in self._channels:
            self._channels.remove(channel)

    def put(self, handler: Callable[[Any], object], event: Any, cost: int) -> None:
        """Queue one call of ``handler``; with the lock of the backend's events held."""
        self.put_many(handler, [event], cost)

    def put_many(
        self, handler: Callable[[Any], object], events: list[Any] | Run, cost: int
    ) -> None:
        """Queue a call of ``handler`` for each of ``events``, whose cost is ``cost`` together."""
        self._queue.append((handler, events, cost))
        self._came += len(events)
        self._bytes_in += cost
        if (
            self._came - self._handled > _CROWDED
            or self._bytes_in - self._bytes_out > _MOST_BYTES // 2
        ):
            self._crowded()
        if self._idle or self._thread is None:
            self._start()

    def relieve(self) -> None:
        """Give handlers that make progress a moment to catch up; called without locks."""
        self._congest(False)
        if self._room is not None or threading.current_thread() is self._thread:
            return
        room = threading.Lock()
        room.acquire()
        self._room = room
        handled = self._handled
        while self._came - self._handled > _CROWDED // 2 and not self._closed:
            if room.acquire(timeout=0.0 if self._stalled else _STALLED):
                break
            self._stalled = self._handled == handled
            if self._stalled:
                break
            handled = self._handled
        self._room = None

    def eased(self) -> bool:
        """As :meth:`relieve` for a thread that cannot wait: whether it may read on now."""
        if self._came - self._handled > _CROWDED // 2 and not self._closed:
            now = time.monotonic()
            if self._seen != self._handled:
                self._seen, self._seen_at = self._handled, now
                return False
            if now - self._seen_at < _STALLED:
                return False
        self._congest(False)
        return True

    def finish(self) -> None:
        """No more events will come: the thread ends once it has handled what waits."""
        with self._lock:
            self._closed = True
            self._work.notify_all()

    def begin(self) -> None:
        """Events may come, perhaps once more."""
        with self._lock:
            self._closed = False

    def join(self, timeout: float = _LAST_WORK) -> None:
        """Wait at most ``timeout`` seconds for the last handlers of a backend that has ended."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def disown(self) -> None:
        """This is a forked copy: the thread is not here."""
        self._closed = True
        self._queue.clear()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._thread = None

    def _crowded(self) -> None:
        self._congest(True)
        queue = self._queue
        while len(queue) > 1 and (
            self._came - self._handled > _MOST or self._bytes_in - self._bytes_out > _MOST_BYTES
        ):
            try:
                _, events, cost = queue.popleft()
            except IndexError:
                break
            self._bytes_in -= cost
            self._came -= len(events)
            self.dropped += len(events)

    def _congest(self, congested: bool) -> None:
        for channel in tuple(self._channels):
            channel.congested = congested

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._idle = False
            if self._thread is not None:
                self._work.notify()
                return
            thread = threading.Thread(
                target=self._run, name=f"bridgekit-events-{self._name}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down
                self._closed = True
            else:
                self._thread = thread

    def _run(self) -> None:
        queue = self._queue
        while True:
            try:
                while True:
                    handler, events, cost = queue.popleft()
                    for event in events:
                        try:
                            handler(event)
                        except BaseException:  # sys.exit() too: it is not this thread's to end
                            topic = getattr(event, "topic", "")
                            logger.exception("a handler of event %r raised", topic)
                        self._handled += 1
                    self._bytes_out += cost
                    if self._room is not None and self._came - self._handled <= _CROWDED // 2:
                        self._make_room()
            except IndexError:
                pass
            with self._lock:
                self._idle = True
                if not queue and not self._closed:
                    self._work.wait(_LINGER)
                if not queue:
                    self._thread = None
                    return
                self._idle = False

    def handler(self, function: Callable[[Event], object]) -> tuple[Queue, QueueMany]:
        """Return what a router gives the events to that ``function`` is to handle."""

        def put(event: Event, cost: int) -> None:
            self.put_many(function, [event], cost)

        def put_many(events: list[Event] | Run, cost: int) -> None:
            self.put_many(function, events, cost * len(events))

        return put, put_many

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            try:
                room.release()
            except RuntimeError:  # it gave up waiting
                pass
