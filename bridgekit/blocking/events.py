"""Events that wait for one reading thread."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.calls import release
from bridgekit.host.events import Subscription
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.host.events import Drop

__all__ = ["EventQueue", "Listening"]


class EventQueue(Subscription):
    """Events that wait for one reader: ``for event in queue``.

    Each event has ``topic``, ``data`` and ``call`` (the id of the call it belongs to, or None).
    The iteration ends when the backend has ended and all that came before was read.
    """

    def __init__(self, channel: Channel, max_events: int, max_bytes: int, drop: Drop) -> None:
        super().__init__(max_events, max_bytes, drop)
        self.done = False
        self.waiter: Any = None
        self._channel = channel
        self._reader = 0

    def wake(self) -> None:
        self.done = True
        release(self)
        if get_ident() != self._reader:
            self._channel.ring(self)

    def __iter__(self) -> EventQueue:
        return self

    def __next__(self) -> Event:
        while True:
            event = self.take()
            if event is not None:
                return event
            if self.ended:
                raise StopIteration
            if self._reader != (me := get_ident()):
                self._channel.hang_bell()
                self._reader = me
            self._channel.wait(self)

    def take(self) -> Event | None:
        """Return the next event, or None when none waits."""
        with self._channel.lock:
            event = super().take()
            if event is None:
                self.done = self.ended
            return event


class Listening:
    """The time in which an :class:`EventQueue` receives: a context manager."""

    def __init__(self, listen: Callable[[EventQueue], Callable[[], None]], queue: EventQueue):
        self._listen, self._queue = listen, queue

    def __enter__(self) -> EventQueue:
        self._remove = self._listen(self._queue)
        return self._queue

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()
