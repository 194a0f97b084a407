"""Calls that wait for a worker: bounded, by priority, in order within a priority, none starved.

A heap orders by (priority, arrival). Cancelled calls are marked and skipped later, so giving up
costs nothing; the heap is rebuilt when most of it is dead, so memory stays bounded. A second
line in order of arrival lets the oldest call go first now and then once it has waited for
``patience`` seconds, so that a stream of urgent calls cannot starve the others.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heapify, heappop, heappush
from typing import Any

__all__ = ["PATIENCE", "CallQueue", "Ticket"]

PATIENCE = 5.0
"""Seconds after which a waiting call may overtake more urgent ones."""

_TURN = 4
"""One call in so many is taken by age instead of by priority, where one has waited too long."""

_SLACK = 32
"""Dead entries that are always tolerated."""


class Ticket:
    """A place in the queue for ``call`` (any object); ``waiting`` until it is taken or dropped."""

    __slots__ = ("arrived", "call", "deadline", "order", "priority", "waiting")

    def __init__(
        self, call: Any, priority: int, order: int, arrived: float, deadline: float
    ) -> None:
        self.call = call
        self.priority = priority
        self.order = order
        self.arrived = arrived
        self.deadline = deadline
        self.waiting = True


class CallQueue:
    """The waiting calls of one backend.

    :meth:`put` and :meth:`pop` cost O(log n), :meth:`discard` O(1) in the long run. ``size``
    counts the calls that wait. The bound is the caller's: see ``Pool.enqueue``.
    """

    __slots__ = (
        "_by_age",
        "_by_deadline",
        "_dead",
        "_early",
        "_heap",
        "_late",
        "_patience",
        "_turn",
        "size",
    )

    def __init__(self, patience: float = PATIENCE) -> None:
        self._heap: list[tuple[int, int, Ticket]] = []
        self._by_age: deque[Ticket] = deque()
        self._by_deadline: list[tuple[float, int, Ticket]] = []
        self.size = 0
        self._dead = 0
        self._late = 0
        self._early = 0
        self._patience = patience
        self._turn = 0

    def __len__(self) -> int:
        return self.size

    def put(
        self,
        call: Any,
        now: float,
        priority: int = 0,
        deadline: float = math.inf,
        *,
        front: bool = False,
    ) -> Ticket:
        """Add a call; a higher ``priority`` goes first.

        ``front`` puts it before all others of its priority: it had its turn and lost its worker.
        """
        if front:
            self._early -= 1
            order = self._early
        else:
            self._late += 1
            order = self._late
        ticket = Ticket(call, priority, order, now, deadline)
        self.size += 1
        heappush(self._heap, (-priority, order, ticket))
        if front:
            self._by_age.appendleft(ticket)
        else:
            self._by_age.append(ticket)
        if deadline < math.inf:
            heappush(self._by_deadline, (deadline, order, ticket))
        return ticket

    def pop(self, now: float) -> Ticket | None:
        """Take the call whose turn it is, or None when none waits."""
        if not self.size:
            return None
        self._turn += 1
        if self._turn >= _TURN:
            self._turn = 0
            oldest = self._oldest()
            if now - oldest.arrived >= self._patience:
                self._remove(oldest)
                return oldest
        heap = self._heap
        ticket = heappop(heap)[2]
        while not ticket.waiting:
            ticket = heappop(heap)[2]
        self._remove(ticket)
        return ticket

    def discard(self, ticket: Ticket) -> bool:
        """Forget a call that its caller gave up; False when it is not waiting any more."""
        if not ticket.waiting:
            return False
        self._remove(ticket)
        return True

    def expire(self, now: float) -> list[Ticket]:
        """Take out the calls whose deadline has passed, the earliest first."""
        overdue = []
        while self._by_deadline:
            deadline, _, ticket = self._by_deadline[0]
            if ticket.waiting and deadline > now:
                break
            heappop(self._by_deadline)
            if ticket.waiting:
                self._remove(ticket)
                overdue.append(ticket)
        return overdue

    @property
    def next_deadline(self) -> float:
        """When :meth:`expire` will have something to do (inf: never); may be too early."""
        return self._by_deadline[0][0] if self._by_deadline else math.inf

    def clear(self) -> list[Ticket]:
        """Take out all calls, in the order in which they would have gone."""
        tickets = [ticket for _, _, ticket in sorted(self._heap) if ticket.waiting]
        for ticket in tickets:
            ticket.waiting = False
        self.size = 0
        self._compact()
        return tickets

    def _oldest(self) -> Ticket:
        line = self._by_age
        while not line[0].waiting:
            line.popleft()
        return line[0]

    def _remove(self, ticket: Ticket) -> None:
        ticket.waiting = False
        self.size -= 1
        self._dead += 1
        if self._dead > self.size + _SLACK:
            self._compact()

    def _compact(self) -> None:
        self._dead = 0
        self._heap = [entry for entry in self._heap if entry[2].waiting]
        heapify(self._heap)
        self._by_age = deque(ticket for ticket in self._by_age if ticket.waiting)
        self._by_deadline = [entry for entry in self._by_deadline if entry[2].waiting]
        heapify(self._by_deadline)
