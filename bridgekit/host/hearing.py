"""What a backend's processes say unasked: events to handlers and readers, calls to the host."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from bridgekit.host.arguments import checked_handler
from bridgekit.host.events import MAX_BYTES, MAX_EVENTS, Drop, Router
from bridgekit.host.exposed import Exposed
from bridgekit.host.listening import EventQueue, Listening
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.host.starting import Starter

__all__ = ["Hearing"]

logger = logging.getLogger("bridgekit")


class Hearing:
    """The half of a backend's handle that listens, whichever process speaks."""

    def __init__(self, tasks: Starter, exposed: Exposed) -> None:
        self._tasks = tasks
        self._router = Router()
        self._exposed = exposed
        self._queues: list[EventQueue] = []
        self._dropped = 0

    def on(self, topic: str, handler: Callable[[Event], object]) -> Callable[[], None]:
        """Call ``handler(event)`` for each event whose topic matches; return what ends that.

        In ``topic`` a ``*`` stands for any characters; bridgekit's own ``$/...`` topics match
        only patterns that start with ``$``. A plain function runs in the event loop and must
        not block; an ``async def`` one runs in a task of its own, one event after the other,
        behind a bounded queue. What a handler raises is logged.
        """
        checked_handler(handler, "handler", plain=False)
        if inspect.iscoroutinefunction(handler):
            queue = EventQueue()
            remove = self._listen(topic, queue)
            self._tasks.start_soon(_consume, queue, handler)
            return remove
        return self._router.add(topic, handler)

    def events(
        self,
        topic: str = "*",
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        drop: Drop = "oldest",
    ) -> AbstractAsyncContextManager[EventQueue]:
        """Receive events in ``async with backend.events("train.*") as queue``.

        The queue is bounded; what a slow reader has no room for is dropped, the ``oldest`` or
        the ``newest`` first, and counted in ``queue.dropped`` and ``status.dropped_events``.
        """
        return Listening(self._listen, topic, EventQueue(max_events, max_bytes, drop))

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let this backend call ``function`` (plain or async) as ``name``; return the undo."""
        return self._exposed.add(name, function)

    def _listen(self, topic: str, queue: EventQueue) -> Callable[[], None]:
        remove_target = self._router.add(topic, queue=queue.put, queue_many=queue.put_many)
        self._queues.append(queue)

        def remove() -> None:
            remove_target()
            if queue in self._queues:
                self._queues.remove(queue)
                self._dropped += queue.dropped
            queue.end()

        if self._over:
            queue.end()
        return remove

    @property
    def _dropped_events(self) -> int:
        return self._dropped + sum(queue.dropped for queue in self._queues)

    @property
    def _over(self) -> bool:
        """Whether no event will come any more."""
        raise NotImplementedError

    def _end_queues(self) -> None:
        for queue in self._queues:
            queue.end()


async def _consume(queue: EventQueue, handler: Callable[[Event], Any]) -> None:
    async for event in queue:
        try:
            await handler(event)
        except Exception:
            logger.exception("a handler of event %r raised", event.topic)
