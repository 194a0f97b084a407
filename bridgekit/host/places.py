"""A place at a worker, held by what makes several calls, or one with many items, in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridgekit.host.driving import Driver
    from bridgekit.policy.pooling import Worker

__all__ = ["Place"]


class Place:
    """Taken for calls of ``method``; :meth:`leave` it once they have ended or were given up."""

    __slots__ = ("_driver", "_first", "_left", "_lodged", "_method", "_open", "_worker", "channel")

    def __init__(self, driver: Driver, worker: Worker, method: str) -> None:
        self._driver = driver
        self._worker = worker
        self._method = method
        self.channel: Any = worker.handle.channel
        self._first: int = worker.handle.session.table._last
        self._left = self._lodged = False
        self._open = 0

    def lodge(self) -> None:
        """Keep no call from the worker meanwhile: what the place was taken for takes its time."""
        self._lodged = True
        self._driver.lodge(self._worker)

    def leave(self, *, unused: bool = False) -> None:
        """Free the place when the backend has ended all that was given up in it.

        ``unused`` tells that nothing was sent after all.
        """
        if self._left:
            return
        self._left = True
        session = self._worker.handle.session
        if unused or session.table._last == self._first:
            if self._lodged:
                self._driver.depart(self._worker)
            self._driver.unused(self._worker)
            return
        given_up = [
            call_id
            for call_id, (method, _) in session.abandoned.items()
            if method == self._method
            and call_id > self._first
            and call_id not in session.afterwards
        ]
        if not given_up:
            self._free()
            return
        self._open = len(given_up)
        for call_id in given_up:
            session.afterwards[call_id] = self._last_word()

    def _last_word(self) -> Callable[[], None]:
        """What is to be called when the backend has ended one call that was given up."""
        return self._ended

    def _ended(self) -> None:
        self._open -= 1
        if not self._open:
            self._free()

    def _free(self) -> None:
        if self._lodged:
            self._driver.depart(self._worker)
        self._driver.free(self._worker)
