"""A call, or a place for several, that a thread waits for."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from typing import Any

from bridgekit.blocking.calls import release
from bridgekit.blocking.pipes import LONGEST
from bridgekit.host.entries import Entry
from bridgekit.host.places import Place

__all__ = ["SharedPlace", "ThreadEntry", "leave_all", "once"]


class ThreadEntry(Entry):
    """See :class:`~bridgekit.host.entries.Entry`; it is settled with the hub's lock held.

    ``granted`` tells that it has a place and is to be sent by the thread that waits for it.
    """

    __slots__ = ("done", "granted", "waiter")

    done: bool
    granted: bool
    waiter: Any

    def wake(self) -> None:
        release(self)

    def turn(self) -> None:
        """Sleep until it is settled."""
        waiter = allocate_lock()
        waiter.acquire()
        self.waiter = waiter
        while not self.settled:
            waiter.acquire(True, LONGEST)
        self.waiter = None


class SharedPlace(Place):
    """A place that a thread takes and leaves; any thread may do either."""

    __slots__ = ()

    def lodge(self) -> None:
        self._driver.run(self._lodge)  # type: ignore[attr-defined]

    def _lodge(self) -> None:
        if not self._left:  # else what it was taken for has ended already
            super().lodge()

    def leave(self, *, unused: bool = False) -> None:
        if not self._left:
            self._driver.post(lambda: self._leave(unused))  # type: ignore[attr-defined]

    def leave_later(self) -> None:
        """As :meth:`leave`, from a hook of the session."""
        self.channel.later(self.leave)

    def _leave(self, unused: bool) -> None:
        with self.channel.lock:
            super().leave(unused=unused)

    def _last_word(self) -> Callable[[], None]:
        step = once(self._ended)
        return lambda: self.channel.later(lambda: self._driver.run(step))  # type: ignore[attr-defined]


def once(step: Callable[[], None]) -> Callable[[], None]:
    """Return what takes ``step`` the first time only: a hook that is torn is called again."""
    claims = [True]

    def take() -> None:
        if claims:
            claims.clear()
            step()

    return take


def leave_all(places: list[Place]) -> None:
    """Leave what was taken before an error, however often this is interrupted."""
    while places:
        try:
            places[-1].leave()
            places.pop()
        except KeyboardInterrupt:  # the first one is on its way to the caller already
            continue
