"""The steps that a supervisor takes with one seat: begin, end, retire, promote, die.

Each changes the seat's state by the table, and leaves what is to be done in ``outbox``. When to
take which step is decided in :mod:`bridgekit.policy.supervision`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bridgekit.errors import BackendDied, BackendError, BackendStartError, RestartLimitReached
from bridgekit.policy.actions import (
    Action,
    Kill,
    NeedProcess,
    Pause,
    Reject,
    ReleaseProcess,
    Send,
    Spawn,
    Stop,
)
from bridgekit.policy.health import Pulse
from bridgekit.policy.lifecycle import Event
from bridgekit.policy.pooling import UNLIMITED, Pool, PoolOwner, Worker
from bridgekit.policy.queueing import Ticket
from bridgekit.policy.recycle import draw_lease
from bridgekit.policy.restart import Death, GiveUp, Retry, decide
from bridgekit.policy.seats import After, Role, Seat
from bridgekit.policy.supervised import Supervised

__all__ = ["Keeper"]


class Keeper(PoolOwner):
    """The seats of one backend and its pool. ``on``: its host wants it to run."""

    def __init__(self, name: str, plan: Supervised, random: Callable[[], float]) -> None:
        self.name = name
        self.plan = plan
        self.pool = Pool(name, self, concurrency=plan.concurrency, queue_limit=plan.queue_limit)
        self.outbox: list[Action] = []
        self.seats: dict[int, Seat] = {}
        self.on = False
        self.paused = False
        self.restarts = 0
        self.last_death: Death | None = None
        self._random = random
        self.refuse("not started")

    def change(self, seat: Seat, event: Event, reason: str, now: float) -> None:
        """Take a step in the table of states, and tell."""
        seat.change(event, reason, now, self.name, self.outbox.append)

    def send(self, worker: Worker, ticket: Ticket) -> None:
        """See PoolOwner."""
        self.outbox.append(Send(worker, ticket))

    # --- seats --------------------------------------------------------------------------------

    def add_seat(self, role: Role) -> Seat:
        """Put up one more seat, with the lowest free number."""
        number = 0
        while number in self.seats:
            number += 1
        seat = self.seats[number] = Seat(number, role)
        return seat

    def furnish(self) -> None:
        """Put up the seats that the plan wants."""
        have = [seat.role for seat in self.seats.values() if seat.after != "leave"]
        for _ in range(self.plan.workers - have.count("duty")):
            self.add_seat("duty")
        for _ in range(self.plan.warm_spares - have.count("spare")):
            self.add_seat("spare")

    def trade(self, spare: Seat, seat: Seat) -> None:
        """Let ``spare`` take over the duty of ``seat``, and its history with it."""
        spare.role, seat.role = seat.role, spare.role
        spare.history, seat.history = seat.history, spare.history

    def ready_spare(self) -> Seat | None:
        """A spare that can take over right now."""
        for seat in self.seats.values():
            if seat.role == "spare" and seat.state in {"ready", "paused"} and seat.after is None:
                return seat
        return None

    def promote(self, now: float) -> None:
        """Let ready spares take over from seats on duty whose worker died or cannot come yet."""
        while (spare := self.ready_spare()) is not None:
            for seat in self.seats.values():
                if seat.vacant:
                    self.trade(spare, seat)
                    self.put_on_duty(spare, now)
                    break
            else:
                return

    # --- beginning ----------------------------------------------------------------------------

    def begin(self, seat: Seat, now: float, reason: str) -> None:
        """Have a process in ``seat``: at once, or after the one that is ending."""
        if seat.after is not None:
            if seat.after != "leave":
                seat.after = "start"
        elif seat.worker is None and seat.permit != "asked":
            seat.restart_at = math.inf
            if seat.permit == "held":
                self.spawn(seat, now, reason)
            else:
                seat.permit = "asked"
                self.outbox.append(NeedProcess(seat, optional=seat.role == "relief"))

    def spawn(self, seat: Seat, now: float, reason: str) -> None:
        """Start a process in ``seat``; it has a permit and no process."""
        seat.generation += 1
        worker = seat.worker = Worker(seat, seat.generation, now)
        lease = draw_lease(self.plan.recycle, self._random, UNLIMITED)
        worker.calls_left = lease.calls
        worker.expires = now + lease.age
        worker.most_memory = lease.memory
        if self.plan.health is not None:
            worker.pulse = Pulse(self.plan.health, now)
        self.change(seat, "start", reason, now)
        self.outbox.append(Spawn(worker))

    def put_on_duty(self, seat: Seat, now: float) -> None:
        """Give calls to the worker in ``seat`` (after the pause, if there is one)."""
        assert seat.worker is not None
        seat.worker.duty_since = now
        if not self.paused:
            self.pool.open(seat.worker, now)

    # --- ending -------------------------------------------------------------------------------

    def retire(self, seat: Seat, now: float, reason: str, after: After) -> None:
        """End the process in ``seat`` as soon as its calls have ended."""
        assert seat.worker is not None
        seat.after = after
        self.pool.close(seat.worker)
        if not seat.worker.in_flight:
            self.let_go(seat, now, reason)

    def let_go(self, seat: Seat, now: float, reason: str) -> None:
        """End the process in ``seat`` now."""
        if seat.worker is not None and seat.state != "stopping":
            self.change(seat, "stop", reason, now)
            self.outbox.append(Stop(seat.worker, reason))

    def end(
        self, seat: Seat, now: float, reason: str, after: After, *, keep_failed: bool = False
    ) -> None:
        """End whatever is in ``seat`` now, calls in flight or not.

        With ``keep_failed`` a seat that has failed goes on showing that.
        """
        seat.restart_at = math.inf
        if seat.after != "leave":
            seat.after = after
        if seat.worker is not None:
            self.pool.close(seat.worker)
            self.let_go(seat, now, reason)
            return
        if seat.state in {"backing-off", "idle"} or (seat.state == "failed" and not keep_failed):
            self.change(seat, "stop", reason, now)
        self.vacate(seat)

    def vacate(self, seat: Seat) -> None:
        """Nothing more comes to ``seat``: give back its permit, and the seat if it is to leave."""
        if seat.permit != "none":
            seat.permit = "none"
            self.outbox.append(ReleaseProcess(seat))
        if seat.after == "leave":
            del self.seats[seat.number]
        seat.after = None

    def kill(self, worker: Worker, reason: str) -> None:
        """Kill ``worker``, once; its death then counts as any other."""
        if worker.doom is None and worker.seat.worker is worker:
            worker.doom = reason
            self.pool.close(worker)
            self.outbox.append(Kill(worker, reason))

    def pause_seat(self, seat: Seat, now: float, reason: str) -> None:
        """Pause the worker in ``seat``, which is ready."""
        assert seat.worker is not None
        self.pool.close(seat.worker)
        self.change(seat, "pause", reason, now)
        self.outbox.append(Pause(seat.worker))

    # --- deaths -------------------------------------------------------------------------------

    def ended(self, seat: Seat, now: float, reason: str) -> None:
        """The process in ``seat`` is gone, as its host wanted."""
        resting = seat.after == "rest" and seat.state == "stopping"
        self.change(seat, "rested" if resting else "ended", reason, now)
        if seat.after == "start" and self.on:
            seat.after = None
            self.spawn(seat, now, "started again")
        else:
            self.vacate(seat)

    def died(self, seat: Seat, death: Death, now: float) -> None:
        """The process in ``seat`` is gone, and nobody wanted that."""
        seat.history, decision = decide(self.plan.restart, seat.history, death, self._random)
        if isinstance(decision, Retry):
            self.change(seat, "retry", death.reason, now)
            seat.restart_at = decision.at
            self.promote(now)
            if decision.delay <= 0:
                self.again(seat, now, death.reason)
            return
        if isinstance(decision, GiveUp):
            seat.story = decision.story
            self.change(seat, "give-up", decision.story, now)
        else:
            self.change(seat, "ended", decision.reason, now)
        self.vacate(seat)
        if not self.hopeful():
            self.give_up(seat, death, now)

    def again(self, seat: Seat, now: float, reason: str) -> None:
        """The delay after a death is over."""
        seat.restarts += 1
        self.restarts += 1
        self.begin(seat, now, f"restarted after: {reason}")

    def hopeful(self) -> bool:
        """Whether any seat on duty has a process or will have one."""
        return any(
            seat.role == "duty" and (seat.coming or (seat.worker is not None and not seat.after))
            for seat in self.seats.values()
        )

    def give_up(self, seat: Seat, death: Death, now: float) -> None:
        """No worker is left and none will come: refuse all calls, and stop what still runs."""
        self.on = False
        if seat.state == "failed":
            self.refuse_with(lambda: self._failure(seat, death))
        else:
            self.refuse(f"not running: it ended by itself ({death.reason}); restart() it")
        self.reject_waiting()
        for other in list(self.seats.values()):
            after: After = "leave" if other.role == "relief" else "stop"
            self.end(other, now, "the backend is not running any more", after, keep_failed=True)

    def _failure(self, seat: Seat, death: Death) -> BackendError:
        text = f"backend {self.name!r} has failed: {death.reason}\n{seat.story}"
        if death.permanent:
            return BackendStartError(text, backend=self.name, pid=death.pid, exit_code=death.code)
        if self.plan.restart.mode == "never":
            return BackendDied(
                text,
                backend=self.name,
                pid=death.pid,
                exit_code=death.code,
                signal=death.signal,
            )
        return RestartLimitReached(text, backend=self.name, pid=death.pid, exit_code=death.code)

    # --- refusing -----------------------------------------------------------------------------

    def refuse(self, why: str) -> None:
        """Refuse new calls; ``why`` completes "backend 'x' is ..."."""
        text = f"backend {self.name!r} is {why}"
        self.refuse_with(lambda: BackendError(text, backend=self.name))

    def refuse_with(self, make_error: Callable[[], Exception]) -> None:
        """Refuse new calls with a fresh error each."""
        self.pool.refusal = make_error

    def reject_waiting(self) -> None:
        """Let every waiting call end in the error that new ones get."""
        assert self.pool.refusal is not None
        for ticket in self.pool.queue.clear():
            self.outbox.append(Reject(ticket, self.pool.refusal()))
