"""Events of a backend for a reader on an event loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import anyio

from bridgekit.host.events import Subscription
from bridgekit.wire.messages import Event

__all__ = ["EventQueue", "Listening"]


class EventQueue(Subscription):
    """Events that wait for one reader: ``async for event in queue``.

    Each event has ``topic``, ``data`` and ``call`` (the id of the call it belongs to, or None).
    The iteration ends when the backend has ended for good and all that came before was read.
    """

    _event: anyio.Event | None = None

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        while True:
            event = self.take()
            if event is not None:
                return event
            if self.ended:
                raise StopAsyncIteration
            self._event = self._event or anyio.Event()
            await self._event.wait()


class Listening(AbstractAsyncContextManager[EventQueue]):
    """The time in which an :class:`EventQueue` receives; ``listen`` returns what ends it."""

    def __init__(
        self, listen: Callable[[str, EventQueue], Callable[[], None]], topic: str, queue: EventQueue
    ) -> None:
        self._listen, self._topic, self._queue = listen, topic, queue

    async def __aenter__(self) -> EventQueue:
        self._remove = self._listen(self._topic, self._queue)
        return self._queue

    async def __aexit__(self, *_: object) -> None:
        self._remove()
