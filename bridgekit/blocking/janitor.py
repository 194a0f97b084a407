"""One thread that looks after all children nobody is waiting for.

It drains their stderr, notices their exits, reads a wire once nobody has called for some
milliseconds, writes what a full pipe left over and keeps the deadlines of calls that were given
up. While nothing happens it sleeps: it looks at the clock only while calls come and go.

There is one janitor while a blocking host has children, and none otherwise.
"""

from __future__ import annotations

import heapq
import logging
import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from bridgekit.blocking import pipes
from bridgekit.host.lifeline import forget_after_fork

if TYPE_CHECKING:
    from bridgekit.blocking.attending import Attending

__all__ = ["Janitor", "hire"]

TICK = 0.01
"""Seconds without a call after which the janitor watches a wire itself."""
LONG_TICK = 0.04
"""What that grows to while calls go on and on: each look holds up the call it falls into."""

logger = logging.getLogger("bridgekit")

_hiring = threading.Lock()
_current: Janitor | None = None


def hire() -> Janitor:
    """Return the janitor, one more child being its business; call :meth:`Janitor.dismiss`."""
    global _current
    with _hiring:
        if _current is None:
            _current = Janitor()
        _current.children += 1
        return _current


class Janitor:
    """All methods may be called from any thread; callbacks run in the janitor's own.

    ``over`` tells that what it is told from now on may never be done.
    """

    def __init__(self) -> None:
        self.children = 0
        self._selector = pipes.Selector()
        self._reader, self._writer = os.pipe()
        pipes.never_block(self._reader)
        pipes.never_block(self._writer)
        self._selector.register(self._reader, selectors.EVENT_READ, self._awake)
        self._active: set[Attending] = set()
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._tick = TICK
        self._look_at = math.inf
        self._asleep = False
        self._over = False
        self.over = False
        forget_after_fork(self)
        self._thread = threading.Thread(target=self._run, name="bridgekit-janitor", daemon=True)
        self._thread.start()

    def dismiss(self) -> None:
        """One child less; with the last one the thread ends."""
        global _current
        with _hiring:
            self.children -= 1
            if self.children:
                return
            if _current is self:
                _current = None
            self._over = True
            self._wake()  # inside: the thread closes what this writes to

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``descriptor`` is readable."""
        self._selector.register(descriptor, selectors.EVENT_READ, callback)

    def want_write(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``descriptor`` takes more, unless that is arranged already."""
        try:
            self._selector.register(descriptor, selectors.EVENT_WRITE, callback)
        except (KeyError, ValueError, OSError):  # watched already, or closed
            pass

    def unwatch(self, descriptor: int) -> None:
        """Stop watching; nothing happens when it is not watched."""
        try:
            self._selector.unregister(descriptor)
        except (KeyError, ValueError, OSError):
            pass

    def activate(self, channel: Attending) -> None:
        """Look after ``channel`` once its calls have paused for a tick."""
        self._active.add(channel)
        self._tick = TICK
        self._look_at = time.monotonic() + TICK
        if self._asleep:
            self._wake()

    def soon(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the janitor's thread."""
        self._soon.append(callback)
        if self._asleep:
            self._wake()

    def at(self, moment: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` at ``moment`` of time.monotonic (math.inf: never)."""
        if moment < math.inf:
            self.soon(lambda: heapq.heappush(self._timers, (moment, next(self._order), callback)))

    def never(self, callback: Callable[[], None]) -> None:
        """Take back what :meth:`at` was told; for the janitor's own thread.

        A timer that is left over harms nobody, but it wakes who would sleep.
        """
        kept = [timer for timer in self._timers if timer[2] is not callback]
        if len(kept) < len(self._timers):
            heapq.heapify(kept)
            self._timers = kept

    @property
    def is_me(self) -> bool:
        """Whether the janitor's thread asks."""
        return threading.current_thread() is self._thread

    @property
    def gone(self) -> bool:
        """Whether its thread has ended, so that nothing it is told will be done."""
        return not self._thread.is_alive()

    def disown(self) -> None:
        """This is a forked copy, without the thread: the next one to ask gets a new janitor."""
        global _current, _hiring
        _current = None
        _hiring = threading.Lock()
        if self._reader >= 0:  # else it has ended, and the numbers may be others' by now
            os.close(self._reader)
            os.close(self._writer)
        self._selector.close()

    def _wake(self) -> None:
        try:
            os.write(self._writer, b"x")
        except OSError:  # full, so it wakes anyway; or closed
            pass

    def _awake(self) -> None:
        try:
            pipes.read(self._reader, 4096)
        except OSError:
            pass

    def _run(self) -> None:
        while not self._over:
            self._asleep = True
            timeout = 0.0 if self._soon else self._pause()
            events = self._selector.select(timeout)
            self._asleep = False
            for key, _ in events:
                self._do(key.data)
            while self._soon:
                self._do(self._soon.popleft())
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                self._do(heapq.heappop(self._timers)[2])
            if now >= self._look_at:  # however much there is to do
                self._look(now)
        self.over = True
        while self._soon:
            self._do(self._soon.popleft())
        with _hiring:
            self._selector.close()
            reader, writer = self._reader, self._writer
            self._reader = self._writer = -1
            os.close(writer)
            pipes.forget(reader)
            os.close(reader)

    def _look(self, now: float) -> None:
        """See which channels' calls have paused."""
        self._tick = min(2 * self._tick, LONG_TICK)
        self._look_at = now + self._tick
        for channel in tuple(self._active):
            if channel.settle_down():
                self._active.discard(channel)
        if not self._active:
            self._look_at = math.inf
            if self._active:  # somebody came just now
                self._look_at = now + self._tick

    def _pause(self) -> float | None:
        """Seconds to sleep: a tick while calls come and go, else until the next timer."""
        moment = min(self._look_at, self._timers[0][0] if self._timers else math.inf)
        return None if moment == math.inf else max(0.0, moment - time.monotonic())

    def _do(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            logger.exception("the janitor of bridgekit.blocking failed in %r", callback)
