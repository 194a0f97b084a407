"""A world of pretended processes on a virtual clock, driven as a real driver drives the policy.

It performs every action of a supervisor at once and checks, while it does so, what must always
hold: one process per seat, the budget, the concurrency of each worker, no call sent to a worker
that is not ready, every call ended once. Tests and hypothesis decide what happens next.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from bridgekit.policy.actions import (
    Kill,
    NeedProcess,
    Pause,
    Ping,
    Reject,
    ReleaseProcess,
    Resume,
    Send,
    Spawn,
    Stop,
)
from bridgekit.policy.budget import Claim, ProcessBudget
from bridgekit.policy.lifecycle import TRANSITIONS, StateChange
from bridgekit.policy.pooling import Worker
from bridgekit.policy.queueing import Ticket
from bridgekit.policy.supervised import Supervised
from bridgekit.policy.supervision import Aftermath, Supervisor

__all__ = ["Call", "World"]


class Call:
    """A call with its one outcome."""

    def __init__(
        self, *, idempotent: bool = False, priority: int = 0, deadline: float = math.inf
    ) -> None:
        self.method = "work"
        self.idempotent = idempotent
        self.resent = False
        self.priority = priority
        self.deadline = deadline
        self.ticket: Ticket | None = None
        self.sent_to: list[Worker] = []
        self.outcomes: list[object] = []

    def end(self, outcome: object) -> None:
        self.outcomes.append(outcome)
        assert len(self.outcomes) == 1, f"a call ended twice: {self.outcomes}"


class World:
    """One supervisor (or several, see ``add``), its pretended processes and its calls."""

    def __init__(
        self,
        plan: Supervised | None = None,
        *,
        limit: int | None = None,
        draw: Callable[[], float] | None = None,
    ) -> None:
        self.now = 1000.0
        self.budget = ProcessBudget(limit)
        self.draw = draw or random.Random(1).random
        self.alive: dict[Worker, list[Call]] = {}
        self.is_ready: set[Worker] = set()
        self.stopping: list[Worker] = []
        self.killed: list[Worker] = []
        self.frozen: set[Worker] = set()
        self.pinged: list[Worker] = []
        self.spawned: list[tuple[float, Worker]] = []
        self.changes: list[StateChange] = []
        self.calls: list[Call] = []
        self.supervisor = self.add("echo", plan or Supervised())

    def add(self, name: str, plan: Supervised) -> Supervisor:
        return Supervisor(name, plan, random=self.draw, oldest_deadline=self.oldest_deadline)

    def oldest_deadline(self, worker: Worker) -> float:
        return min((call.deadline for call in self.alive[worker]), default=math.inf)

    # --- doing what the supervisor wants ------------------------------------------------------

    def sync(self, supervisor: Supervisor | None = None) -> None:
        supervisor = supervisor or self.supervisor
        while supervisor.outbox:
            for action in supervisor.take_actions():
                self.perform(supervisor, action)

    def perform(self, sup: Supervisor, action: Any) -> None:
        if isinstance(action, StateChange):
            assert action.new in TRANSITIONS[action.old].values()
            self.changes.append(action)
        elif isinstance(action, NeedProcess | ReleaseProcess | Spawn):
            self.provide(sup, action)
        elif isinstance(action, Send):
            self.send(action.worker, action.ticket.call)
        elif isinstance(action, Reject):
            action.ticket.call.end(action.error)
        else:
            self.signal(action)

    def provide(self, sup: Supervisor, action: NeedProcess | ReleaseProcess | Spawn) -> None:
        match action:
            case NeedProcess(seat, optional):
                if self.budget.ask(Claim(sup, seat), optional=optional):
                    sup.granted(seat, self.now)
                elif optional:
                    sup.denied(seat, self.now)
            case ReleaseProcess(seat):
                for claim in self.budget.free(Claim(sup, seat)):
                    other: Any = claim.backend
                    other.granted(claim.seat, self.now)
                    self.sync(other)
            case Spawn(worker):
                assert not [w for w in self.alive if w.seat is worker.seat], "two in one seat"
                worker.handle = sup
                worker.pid = 100 + len(self.spawned)
                self.alive[worker] = []
                self.spawned.append((self.now, worker))
                assert self.budget.limit is None or len(self.alive) <= self.budget.limit

    def signal(self, action: Any) -> None:
        worker = action.worker
        assert worker in self.alive
        match action:
            case Stop():
                assert worker not in self.stopping
                self.stopping.append(worker)
            case Kill():
                assert worker not in self.killed
                self.killed.append(worker)
            case Pause():
                self.frozen.add(worker)
            case Resume():
                self.frozen.discard(worker)
            case Ping():
                self.pinged.append(worker)
            case _:
                raise AssertionError(action)

    def send(self, worker: Worker, call: Call) -> None:
        assert worker in self.is_ready, "sent to a worker that is not ready"
        assert worker not in self.frozen, "sent to a paused worker"
        assert worker not in self.stopping, "sent to a worker that is being stopped"
        assert worker not in call.sent_to, "sent to the same worker again"
        assert len(call.sent_to) < (2 if call.idempotent else 1), "sent too often"
        call.sent_to.append(worker)
        self.alive[worker].append(call)
        assert len(self.alive[worker]) <= worker.handle.plan.concurrency

    # --- what may happen ----------------------------------------------------------------------

    def start(self) -> None:
        self.supervisor.start(self.now)
        self.sync()

    def call(self, **options: Any) -> Call:
        """Make a call; raises what the pool raises."""
        call = Call(**options)
        pool = self.supervisor.pool
        try:
            worker = pool.take(self.now)
            if worker is None:
                call.ticket = pool.enqueue(call, self.now, call.priority, call.deadline)
            else:
                self.send(worker, call)
        except Exception as error:
            call.end(error)
            self.sync()
            raise
        self.calls.append(call)
        self.sync()
        return call

    def answer(self, worker: Worker, number: int = 0) -> Call:
        """The worker ends one of its calls."""
        call = self.alive[worker].pop(number)
        call.end("result")
        follow = self.supervisor.pool.done(worker, self.now)
        if follow is not None:
            self.send(worker, follow.call)
        self.sync()
        return call

    def give_up(self, call: Call) -> None:
        """The caller of a waiting call goes away."""
        assert call.ticket is not None
        if self.supervisor.pool.discard(call.ticket, self.now):
            call.end("given up")
        self.sync()

    def ready(self, worker: Worker) -> None:
        self.is_ready.add(worker)
        worker.handle.ready(worker, self.now)
        self.sync(worker.handle)

    def exit(
        self, worker: Worker, reason: str = "exit code 1", code: int | None = 1, **options: Any
    ) -> Aftermath:
        """The worker's process ends."""
        calls = self.alive.pop(worker)
        self.is_ready.discard(worker)
        self.frozen.discard(worker)
        if worker in self.stopping:
            self.stopping.remove(worker)
        after: Aftermath = worker.handle.exited(
            worker, self.now, reason=reason, code=code, calls=calls, **options
        )
        for call in after.lost:
            call.end("died")  # type: ignore[attr-defined]
        self.sync(worker.handle)
        return after

    def finish_stops(self) -> None:
        """Every process that is being stopped ends well, and every killed one at once."""
        for worker in self.killed:
            if worker in self.alive:
                self.exit(worker, "killed by SIGKILL", None, signal="SIGKILL")
        while self.stopping:
            self.exit(self.stopping[0], "stopped", 0)

    def get_ready(self) -> None:
        """Every process that starts gets ready."""
        for worker in list(self.alive):
            if worker not in self.is_ready and worker not in self.stopping:
                self.ready(worker)

    def calm(self) -> None:
        """Let starts and stops come to their end."""
        while any(
            worker not in self.is_ready or worker in self.stopping or worker in self.killed
            for worker in self.alive
        ):
            self.finish_stops()
            self.get_ready()

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the timer fires when the supervisor wants it to."""
        end = self.now + seconds
        spins = 0
        while self.supervisor.wake_at <= end:
            before = self.now
            self.now = max(self.now, self.supervisor.wake_at)
            self.supervisor.tick(self.now)
            self.sync()
            spins = 0 if before < self.now else spins + 1
            assert spins < 10, "the timer spins"
        self.now = end

    # --- looking ------------------------------------------------------------------------------

    @property
    def states(self) -> list[str]:
        seats = self.supervisor.seats
        return [seats[number].shown for number in sorted(seats)]

    def worker(self, seat: int = 0) -> Worker:
        worker = self.supervisor.seats[seat].worker
        assert worker is not None
        return worker

    def up(self) -> World:
        """Start and wait until all is ready."""
        self.start()
        self.calm()
        return self
