"""Events that wait for one reading thread."""

from __future__ import annotations

from _thread import allocate_lock, get_ident
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.calls import release
from bridgekit.blocking.pipes import LONGEST
from bridgekit.host.events import Subscription
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.hearing import Hearing
    from bridgekit.host.events import Drop

__all__ = ["EventQueue", "Listening"]


class EventQueue(Subscription):
    """Events that wait for one reader: ``for event in queue``.

    Each event has ``topic``, ``data`` and ``call`` (the id of the call it belongs to, or None).
    The iteration ends when the backend has ended and all that came before was read.
    """

    def __init__(self, hearing: Hearing, max_events: int, max_bytes: int, drop: Drop) -> None:
        super().__init__(max_events, max_bytes, drop)
        self.done = False
        self.waiter: Any = None
        self._hearing = hearing
        self._reads: Channel | None = None  # perhaps asleep on its wire, where no lock wakes it
        self._reader = 0

    def wake(self) -> None:
        self.done = True
        release(self)
        reads = self._reads
        if reads is not None and get_ident() != self._reader:
            reads.bell.ring()

    def __iter__(self) -> EventQueue:
        return self

    def __next__(self) -> Event:
        while True:
            event = self.take()
            if event is not None:
                return event
            if self.ended:
                raise StopIteration
            self._wait()

    def _wait(self) -> None:
        source = self._hearing.source
        if source is None:
            self._reads = None
            self._sleep()
            return
        if self._reads is not source or self._reader != get_ident():
            source.hang_bell()
            self._reader = get_ident()
            self._reads = source
            if self._hearing.source is not source:  # it went while nobody could ring
                return
        source.wait(self)
        source.leave(self)  # another source may have woken it just as this one made it leader

    def _sleep(self) -> None:
        waiter = allocate_lock()
        waiter.acquire()
        self.waiter = waiter
        while not self.done and self._hearing.source is None:
            waiter.acquire(True, LONGEST)
        self.waiter = None

    def take(self) -> Event | None:
        """Return the next event, or None when none waits."""
        with self._hearing.lock:
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
