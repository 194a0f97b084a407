"""Replacing workers that still work, one at a time and without a failed call.

For a rolling restart and for recycling. A ready spare takes over at once; else a relief is
started first, where the budget has a process to spare; else the worker leaves first, and calls
go to the others or wait. In each case it ends when its own calls have ended. The next one is
replaced when the newcomer is ready; where newcomers fail, the rest stay at work for now.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from bridgekit.policy.pooling import UNLIMITED, Worker
from bridgekit.policy.seats import Seat

if TYPE_CHECKING:
    from bridgekit.policy.keeping import Keeper

__all__ = ["Replacements"]


class Replacements:
    """The workers to replace, and the one that is being replaced (in the seat ``current``)."""

    __slots__ = ("_keeper", "_reason", "_waiting", "current", "relief")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._waiting: deque[tuple[Worker, str]] = deque()
        self._reason = ""
        self.current: Seat | None = None
        self.relief: Seat | None = None

    def __bool__(self) -> bool:
        """Whether anything is left to do, now or when a process that starts is ready."""
        return (
            self.current is not None
            or bool(self._waiting)
            or any(
                seat.state == "starting" and seat.worker is not None and seat.worker.stale
                for seat in self._keeper.seats.values()
            )
        )

    def add(self, worker: Worker, reason: str) -> None:
        """Replace ``worker`` when its turn comes."""
        worker.stale = True
        worker.expires = worker.most_memory = math.inf
        worker.calls_left = UNLIMITED
        if all(other is not worker for other, _ in self._waiting):
            self._waiting.append((worker, reason))

    def clear(self) -> None:
        """Forget what is left to do."""
        self._waiting.clear()
        self.current = self.relief = None

    def step(self, now: float) -> None:
        """Begin the next replacement, if none is under way."""
        while self.current is None and self._waiting:
            worker, reason = self._waiting.popleft()
            seat = worker.seat
            if seat.worker is not worker or seat.after is not None or seat.state == "starting":
                continue  # gone or going already; one that starts comes back when it is ready
            self.current, self._reason = seat, reason
            if seat.role == "spare":
                self._keeper.retire(seat, now, reason, "start")
            else:
                self._replace(seat, now)

    def _replace(self, seat: Seat, now: float) -> None:
        keeper = self._keeper
        spare = keeper.ready_spare()
        if spare is not None:
            keeper.trade(spare, seat)
            keeper.put_on_duty(spare, now)
            keeper.retire(seat, now, self._reason, "start")
        else:
            self.relief = keeper.add_seat("relief")
            keeper.begin(self.relief, now, f"to replace worker {seat.number}: {self._reason}")

    def refused(self, relief: Seat, now: float) -> None:
        """There is no process to spare for a relief: the old worker leaves first."""
        relief.after = "leave"
        self._keeper.vacate(relief)
        if relief is self.relief and self.current is not None:
            self.relief = None
            self._keeper.retire(self.current, now, self._reason, "start")

    def relieved(self, relief: Seat, now: float) -> None:
        """The relief is ready: it takes over, the old worker leaves when its calls have ended."""
        seat = self.current
        assert relief is self.relief
        assert seat is not None
        self.relief = None
        relief.role = "duty"
        relief.history = seat.history
        self._keeper.put_on_duty(relief, now)
        self._keeper.retire(seat, now, self._reason, "leave")

    def ready(self, seat: Seat) -> None:
        """A process is ready in ``seat``; if it is the newcomer, the replacement is done."""
        if seat is self.current:
            self.current = None

    def gone(self, seat: Seat, now: float) -> None:
        """A process in ``seat`` is gone: does that end the replacement, or break it off?"""
        if seat is self.relief:
            if not seat.coming:  # newcomers cannot start: the old workers stay
                self._drop_relief(now)
                self._postpone(now)
        elif seat is self.current:
            if self.relief is not None:  # it died by itself and restarts by itself
                self._drop_relief(now)
                self.current = None
            elif not (seat.coming or seat.worker is not None):
                self.current = None
                if seat.state == "failed":
                    self._postpone(now)

    def _drop_relief(self, now: float) -> None:
        relief, self.relief = self.relief, None
        if relief is not None and relief.number in self._keeper.seats:
            self._keeper.end(relief, now, "it is not needed any more", "leave")

    def _postpone(self, now: float) -> None:
        """Leave the workers that still are to be replaced at work, and try again later."""
        again = now + self._keeper.plan.restart.window
        for worker, _ in self._waiting:
            worker.expires = again
        if self.current is not None and self.current.worker is not None:
            self.current.worker.expires = again
        self.clear()
