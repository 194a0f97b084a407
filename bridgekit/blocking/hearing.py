"""What a backend's processes say unasked, under threads: events to handlers and readers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.callbacks import Callbacks
from bridgekit.blocking.events import EventQueue, Listening
from bridgekit.host.events import MAX_BYTES, MAX_EVENTS, Drop, Router
from bridgekit.host.exposed import Exposed
from bridgekit.host.lifeline import forget_after_fork
from bridgekit.host.output import OutputLog
from bridgekit.wire.bursts import Run
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel

__all__ = ["Hearing"]


class Hearing:
    """Takes the events of all processes of one backend, whichever thread reads them.

    ``lock`` is the last to be taken: nothing is waited for with it. ``source`` is the channel
    that a waiting reader reads itself, while there is just one process; else the janitor does.
    """

    def __init__(self, name: str, exposed: Exposed) -> None:
        self.lock = threading.RLock()
        self.exposed = exposed
        self.callbacks = Callbacks(name)
        self.source: Channel | None = None
        self._router = Router()
        self._queues: list[EventQueue] = []
        self._dropped = 0
        self._over = False
        forget_after_fork(self)

    # -- what the processes say ------------------------------------------------------------------

    def event(self, event: Event, cost: int, log: OutputLog | None) -> None:
        """Hand out one event, and log it if it is to be."""
        with self.lock:
            self._router.dispatch(event, cost)
            if log is not None and event.topic.startswith("$/") and log.wants(event):
                self.callbacks.put(log.event, event, cost)

    def burst(self, events: list[Event] | Run, cost: int) -> None:
        """Hand out several events of one topic."""
        with self.lock:
            self._router.dispatch_many(events, cost)

    def lines(self, lines: list[str], log: OutputLog) -> None:
        """Log lines of stderr."""
        if log.enabled:
            with self.lock:
                for line in lines:
                    self.callbacks.put(log.line, line, len(line))

    def end_log(self, log: OutputLog) -> None:
        """Log what was printed without a newline at the end."""
        if log.enabled:
            with self.lock:
                self.callbacks.put(lambda _: log.close(), None, 0)

    # -- who listens -------------------------------------------------------------------------------

    def on(self, topic: str, handler: Callable[[Event], object]) -> Callable[[], None]:
        """See :meth:`Backend.on`."""
        with self.lock:
            put, put_many = self.callbacks.handler(handler)
            remove = self._router.add(topic, queue=put, queue_many=put_many)

        def undo() -> None:
            with self.lock:
                remove()

        return undo

    def listening(
        self,
        topic: str = "*",
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        drop: Drop = "oldest",
    ) -> Listening:
        """See :meth:`Backend.events`."""
        queue = EventQueue(self, max_events, max_bytes, drop)
        return Listening(lambda queue: self._listen(topic, queue), queue)

    def _listen(self, topic: str, queue: EventQueue) -> Callable[[], None]:
        with self.lock:
            remove_target = self._router.add(topic, queue=queue.put, queue_many=queue.put_many)
            self._queues.append(queue)
            if self._over:
                queue.end()

        def remove() -> None:
            with self.lock:
                remove_target()
                if queue in self._queues:
                    self._queues.remove(queue)
                    self._dropped += queue.dropped
                queue.end()

        return remove

    @property
    def dropped(self) -> int:
        """Events that queues and handlers had no room for."""
        with self.lock:
            waiting = sum(queue.dropped for queue in self._queues)
            return self._dropped + self.callbacks.dropped + waiting

    # -- the life of the backend -------------------------------------------------------------------

    def move(self, source: Channel | None) -> None:
        """Readers are to read ``source`` from now on, or to wait for the janitor to do it."""
        self._over = False
        if source is not self.source:
            self.source = source
            with self.lock:
                for queue in self._queues:
                    queue.wake()

    def begin(self) -> None:
        """Processes are about to come, perhaps once more."""
        self._over = False
        self.callbacks.begin()

    def end(self) -> None:
        """No event will come any more."""
        with self.lock:
            self._over = True
            self.source = None
            for queue in self._queues:
                queue.end()
        self.callbacks.finish()

    def disown(self) -> None:
        """This is a forked copy: the threads are not here."""
        self.lock = threading.RLock()
        self.source = None
        self._over = True
        self.callbacks.disown()
        for queue in self._queues:
            queue.ended = True

    def join(self) -> None:
        """Wait a moment for the handlers of the last events."""
        self.callbacks.join()

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """See :meth:`Backend.expose`."""
        return self.exposed.add(name, function)
