"""Which worker gets which call: the path of every call, so about a microsecond in all.

For each call: :meth:`Pool.take` a worker; where it returns None, :meth:`Pool.enqueue` the call
and wait for its ``Send``. When the worker has ended the call, :meth:`Pool.done`, and send what it
returns. Nothing is remembered per call here: a worker counts what it has in flight, and the
session that carried the calls knows them when the worker dies.

The least loaded worker is chosen, among equals the one that rested longest. Where a call waits,
no open worker has a place free.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.errors import QueueFull
from bridgekit.policy.queueing import PATIENCE, CallQueue, Ticket

if TYPE_CHECKING:
    from bridgekit.policy.health import Pulse
    from bridgekit.policy.seats import Seat

__all__ = ["UNLIMITED", "Pool", "PoolOwner", "Worker"]

UNLIMITED = sys.maxsize
"""Calls that a worker takes before it is recycled, when there is no such limit."""


class Worker:
    """One process generation in a seat; what is late for it can never hurt its successor.

    ``handle`` belongs to the driver: its process, session or whatever it needs to find quickly.
    ``in_flight`` counts its calls, ``served`` those it ended, ``open`` tells that it may get
    more; ``guests`` of its calls keep no other from a place. Moments are those of the driver's clock; ``expires`` is when age alone ends it.
    """

    __slots__ = (
        "calls_left",
        "doom",
        "duty_since",
        "expires",
        "generation",
        "guests",
        "handle",
        "in_flight",
        "most_memory",
        "open",
        "pid",
        "pulse",
        "seat",
        "served",
        "spawned",
        "stale",
        "used",
    )

    def __init__(self, seat: Seat, generation: int, now: float) -> None:
        self.seat = seat
        self.generation = generation
        self.handle: Any = None
        self.pid: int | None = None
        self.in_flight = self.guests = 0
        self.served = 0
        self.open = False
        self.used = 0
        self.calls_left = UNLIMITED
        self.most_memory = math.inf
        self.expires = math.inf
        self.spawned = now
        self.duty_since = math.inf
        self.stale = False
        self.doom: str | None = None
        self.pulse: Pulse | None = None


class PoolOwner:
    """What a pool tells its owner, besides what it returns; none of it happens in a quiet call."""

    def took(self, worker: Worker, now: float) -> None:
        """``worker`` got its first call (only while ``pool.alert``)."""

    def quiet(self, worker: Worker, now: float) -> None:
        """``worker`` ended its last call and none waits (only while ``pool.alert``)."""

    def dropped(self, now: float) -> None:
        """A waiting call was given up (only while ``pool.alert``)."""

    def eased(self, worker: Worker, now: float) -> None:
        """A worker that takes no calls any more has ended one."""

    def worn(self, worker: Worker, now: float) -> None:
        """``worker`` has ended as many calls as it may."""

    def queued(self, ticket: Ticket, now: float) -> None:
        """A call has to wait."""

    def send(self, worker: Worker, ticket: Ticket) -> None:
        """A waiting call goes to ``worker`` now; its place is taken already."""


class Pool:
    """The workers of one backend that are on duty, and the calls that wait for them.

    ``refusal`` makes the error for new calls while none are accepted (else None). ``alert`` asks
    for the owner's ``took`` and ``quiet``. ``last_done`` is when a call last ended.
    """

    __slots__ = (
        "_idle",
        "_open",
        "_owner",
        "_shared",
        "_uses",
        "alert",
        "concurrency",
        "last_done",
        "name",
        "queue",
        "queue_limit",
        "refusal",
    )

    def __init__(
        self,
        name: str,
        owner: PoolOwner,
        *,
        concurrency: int = 1,
        queue_limit: int = 1000,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.queue_limit = queue_limit
        self.queue = CallQueue(patience)
        self.refusal: Callable[[], Exception] | None = None
        self.alert = False
        self.last_done = -math.inf
        self._owner = owner
        self._shared = concurrency > 1
        self._open: list[Worker] = []
        self._idle: deque[Worker] = deque()
        self._uses = 0

    def take(self, now: float) -> Worker | None:
        """Reserve a place for a call and return its worker, or None when the call has to wait.

        Raises what ``refusal`` makes while no calls are accepted.
        """
        if self.refusal is not None:
            raise self.refusal()
        if self._idle:
            worker = self._idle.popleft()
            worker.in_flight = 1
            if self.alert:
                self._owner.took(worker, now)
            return worker
        return self._share() if self._shared else None

    def occupy(self, worker: Worker) -> None:
        """A call has come to ``worker`` by itself, whose place is counted now; then :meth:`done`."""
        if worker.open and not worker.in_flight:
            self._idle.remove(worker)
        worker.in_flight += 1

    @property
    def rested(self) -> Worker | None:
        """The open worker that has no call, and of several the one that rested longest."""
        return self._idle[0] if self._idle else None

    def enqueue(
        self, call: Any, now: float, priority: int = 0, deadline: float = math.inf
    ) -> Ticket:
        """Let ``call`` wait; a higher ``priority`` goes first, and it is rejected at ``deadline``.

        Raises QueueFull, or what ``refusal`` makes.
        """
        if self.refusal is not None:
            raise self.refusal()
        if self.queue.size >= self.queue_limit:
            raise QueueFull(self._full(), method=getattr(call, "method", None), backend=self.name)
        ticket = self.queue.put(call, now, priority, deadline)
        self._owner.queued(ticket, now)
        return ticket

    def done(self, worker: Worker, now: float) -> Ticket | None:
        """``worker`` has ended a call: return the call to send to it next, if one waits.

        A call that its caller gave up still holds its place until the worker answers or dies.
        """
        worker.in_flight -= 1
        worker.served += 1
        self.last_done = now
        worker.calls_left -= 1
        if not worker.open:
            self._owner.eased(worker, now)
            return None
        if worker.calls_left > 0 and self.queue.size:
            if worker.in_flight - worker.guests < self.concurrency:
                worker.in_flight += 1
                return self.queue.pop(now)
            return None
        if not worker.in_flight:
            self._idle.append(worker)
            if self.alert:
                self._owner.quiet(worker, now)
        if worker.calls_left <= 0:
            self._owner.worn(worker, now)
            self.dispatch(now)
        return None

    def lodge(self, worker: Worker, now: float) -> None:
        """A call at ``worker`` goes on, but keeps no other from a place: a stream that is open.

        Its consumer may call the same worker between two items, and would wait for itself.
        """
        worker.guests += 1
        self._shared = True
        self.dispatch(now)

    def depart(self, worker: Worker) -> None:
        """What was lodged at ``worker`` is over; :meth:`done` comes next."""
        worker.guests -= 1

    def unused(self, worker: Worker, now: float) -> Ticket | None:
        """The place was taken for nothing (the call could not be encoded): as :meth:`done`."""
        worker.served -= 1
        worker.calls_left += 1
        return self.done(worker, now)

    def discard(self, ticket: Ticket, now: float) -> bool:
        """The caller of a waiting call gave up; False when the call was sent or ended before."""
        dropped = self.queue.discard(ticket)
        if dropped and self.alert:
            self._owner.dropped(now)
        return dropped

    def requeue(
        self, call: Any, now: float, priority: int = 0, deadline: float = math.inf
    ) -> Ticket:
        """Put a call that was admitted before at the front of its priority; never refused."""
        ticket = self.queue.put(call, now, priority, deadline, front=True)
        self._owner.queued(ticket, now)
        return ticket

    def open(self, worker: Worker, now: float) -> None:
        """Give calls to ``worker`` from now on, beginning with those that wait."""
        worker.open = True
        self._open.append(worker)
        if not worker.in_flight:
            self._idle.append(worker)
        self.dispatch(now)

    def close(self, worker: Worker) -> None:
        """Give no more calls to ``worker``."""
        if not worker.open:
            return
        worker.open = False
        self._open.remove(worker)
        if not worker.in_flight:
            self._idle.remove(worker)

    def dispatch(self, now: float) -> None:
        """Send waiting calls as long as there are places."""
        while self.queue.size and (worker := self._place(now)) is not None:
            ticket = self.queue.pop(now)
            assert ticket is not None
            self._owner.send(worker, ticket)

    @property
    def in_flight(self) -> int:
        """The calls that open workers have."""
        return sum(worker.in_flight for worker in self._open)

    def _place(self, now: float) -> Worker | None:
        if self._idle:
            worker = self._idle.popleft()
            worker.in_flight = 1
            if self.alert:
                self._owner.took(worker, now)
            return worker
        return self._share()

    def _share(self) -> Worker | None:
        """The least loaded worker that has calls and a place left; none of the open is idle."""
        best: Worker | None = None
        load = self.concurrency
        for worker in self._open:
            count = worker.in_flight - worker.guests
            if count < load or (count == load and best is not None and worker.used < best.used):
                best, load = worker, count
        if best is not None:
            best.in_flight += 1
            self._uses += 1
            best.used = self._uses
        return best

    def _full(self) -> str:
        waiting, busy = len(self.queue), len(self._open)
        workers = f"its {busy} open workers are busy" if busy else "no worker is ready"
        return (
            f"backend {self.name!r} refused the call: {waiting} calls are waiting already "
            f"(queue_limit={self.queue_limit}) and {workers}. Call less often, or raise "
            f"'workers', 'concurrency' or 'queue_limit'."
        )
