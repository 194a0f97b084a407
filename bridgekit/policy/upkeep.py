"""What a supervisor notices by itself: due moments, health, idleness, the state of its pool.

The timer carries no meaning: whatever :meth:`Upkeep.tick` does, it finds out again from what is
true at that moment, so a late, early or left-over timer can only look.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bridgekit.errors import CallTimeout
from bridgekit.policy.actions import Action, Ping, Reject
from bridgekit.policy.health import Pulse
from bridgekit.policy.idle import sleep_at
from bridgekit.policy.keeping import Keeper
from bridgekit.policy.latency import LatencyWindow
from bridgekit.policy.pooling import Worker
from bridgekit.policy.queueing import Ticket
from bridgekit.policy.replacing import Replacements
from bridgekit.policy.supervised import Supervised

__all__ = ["SAMPLE", "Upkeep", "no_deadline"]

SAMPLE = 1.0
"""Seconds between two looks at the memory of workers that have a limit of it and calls to do."""


def no_deadline(worker: Worker) -> float:
    """For drivers whose calls have none."""
    return math.inf


class Upkeep(Keeper):
    """Keeps one backend's seats in order. ``wake_at`` is when to call :meth:`tick`."""

    def __init__(
        self,
        name: str,
        plan: Supervised,
        *,
        random: Callable[[], float],
        oldest_deadline: Callable[[Worker], float] = no_deadline,
    ) -> None:
        super().__init__(name, plan, random)
        self.latency = LatencyWindow()
        self.wake_at = math.inf
        self.draining = False
        self.asleep = False
        self.observed = False
        self.replacements = Replacements(self)
        self._oldest_deadline = oldest_deadline
        self.look_at = math.inf

    def take_actions(self) -> list[Action]:
        """Return what is to be done, and forget it."""
        actions, self.outbox = self.outbox, []
        return actions

    def observe(self, observed: bool) -> None:
        """Tell of steps between ready and busy from now on, or no more."""
        self.observed = observed
        self._attend()

    def tick(self, now: float) -> None:
        """Do what is due; call it at ``wake_at``, or at any other time."""
        for ticket in self.pool.queue.expire(now):
            self.outbox.append(Reject(ticket, self._overdue(ticket, now)))
        for seat in list(self.seats.values()):
            if seat.restart_at <= now:
                assert seat.last_death is not None
                self.again(seat, now, seat.last_death.reason)
            worker = seat.worker
            if worker is not None and worker.expires <= now and seat.at_hand:
                self.replacements.add(worker, f"it is {now - worker.spawned:.0f} s old")
        if self.look_at <= now:
            self._look(now)
        if self._sleep_at(now) <= now:
            self.asleep = True
            for seat in list(self.seats.values()):
                self.end(seat, now, "nobody called", "rest", keep_failed=True)
        self.settle(now)

    # --- what the pool says -------------------------------------------------------------------

    def took(self, worker: Worker, now: float) -> None:
        """See PoolOwner."""
        if self.plan.samples:
            self.wake_at = min(self.wake_at, now + SAMPLE)
        if self.plan.health is not None and self.look_at == math.inf:
            self.look_at = now + self.plan.health.interval
            self.wake_at = min(self.wake_at, self.look_at)
            self._attend()
        if self.observed and worker.seat.state == "ready":
            self.change(worker.seat, "take", "it got a call", now)

    def quiet(self, worker: Worker, now: float) -> None:
        """See PoolOwner."""
        if worker.seat.state == "busy":
            self.change(worker.seat, "quiet", "its last call ended", now)
        if self.draining:
            self.settle(now)

    def dropped(self, now: float) -> None:
        """See PoolOwner."""
        if self.draining:
            self.settle(now)

    def eased(self, worker: Worker, now: float) -> None:
        """See PoolOwner."""
        seat = worker.seat
        if seat.worker is not worker or worker.in_flight:
            return
        if seat.after is not None:
            self.let_go(seat, now, "its calls have ended")
        self.settle(now)

    def worn(self, worker: Worker, now: float) -> None:
        """See PoolOwner."""
        self.replacements.add(worker, f"it served {worker.served} calls")
        self.settle(now)

    def queued(self, ticket: Ticket, now: float) -> None:
        """See PoolOwner."""
        if ticket.deadline < self.wake_at:
            self.wake_at = ticket.deadline
        if self.asleep:
            self.asleep = False
            for seat in list(self.seats.values()):
                self.begin(seat, now, "it was called")
            self.settle(now)

    def drained(self, now: float) -> None:
        """Nothing waits and nothing runs any more, as the host wanted."""
        raise NotImplementedError

    # --- inside -------------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        """Judge the health of every worker; be quiet when all of them rest."""
        self.look_at = math.inf
        for seat in self.seats.values():
            worker = seat.worker
            if worker is None or worker.pulse is None or seat.state not in {"ready", "busy"}:
                continue
            pulse = worker.pulse
            verdict = pulse.look(
                now, worker.in_flight, worker.served, self._oldest_deadline(worker)
            )
            if verdict == "ask":
                self.outbox.append(Ping(worker))
            elif verdict == "hung":
                self.kill(worker, _hung(worker, pulse, now))
            self.look_at = min(self.look_at, pulse.next_look)

    def _sleep_at(self, now: float) -> float:
        if not self.on or self.asleep:
            return math.inf
        busy = self.paused or bool(self.replacements) or len(self.pool.queue) > 0
        since = -math.inf
        for seat in self.seats.values():
            worker = seat.worker
            if worker is not None and (worker.in_flight or seat.state != "ready"):
                busy = True
            if worker is not None and worker.open:
                since = max(since, worker.duty_since)
        if since == -math.inf:
            busy = True
        return sleep_at(
            self.plan.idle_timeout,
            now,
            busy=busy,
            last_done=self.pool.last_done,
            on_duty_since=since,
        )

    def settle(self, now: float) -> None:
        """After anything that happened: go on with what waited for it, and set the timer."""
        if self.on and not self.paused and not self.draining:
            self.replacements.step(now)
        if self.draining and not self.pool.queue and not self._in_flight():
            self.drained(now)
            return
        if self.on:
            self.promote(now)
        else:
            self.look_at = math.inf
        self.pool.dispatch(now)
        wake = min(self.pool.queue.next_deadline, self.look_at, self._sleep_at(now))
        if self.plan.samples and self._in_flight():
            wake = min(wake, now + SAMPLE)
        for seat in self.seats.values():
            wake = min(wake, seat.restart_at)
            if seat.worker is not None and seat.at_hand:
                wake = min(wake, seat.worker.expires)
        self.wake_at = wake
        self._attend()

    def _attend(self) -> None:
        """Listen to the pool only while there is something to learn."""
        resting = self.plan.health is not None and self.look_at == math.inf
        self.pool.alert = self.observed or self.draining or resting or self.plan.samples

    def _in_flight(self) -> bool:
        return any(
            seat.worker is not None and seat.worker.in_flight for seat in self.seats.values()
        )

    def _overdue(self, ticket: Ticket, now: float) -> CallTimeout:
        waited = max(0.0, ticket.deadline - ticket.arrived)
        method = getattr(ticket.call, "method", None)
        return CallTimeout(
            f"{method or 'the call'} waited {round(waited, 3):g} s for a worker of backend "
            f"{self.name!r} and got none in its time{self._why_none(now)}",
            timeout=waited,
            method=method,
            backend=self.name,
        )

    def _why_none(self, now: float) -> str:
        """Say why no worker takes calls; nothing where some do, and are busy."""
        seats = self.seats.values()
        if self.paused:
            return ": it is paused"
        if any(seat.worker is not None and seat.worker.open for seat in seats):
            return ""
        back = min((seat.restart_at for seat in seats), default=math.inf)
        if back < math.inf and self.last_death is not None:
            soon = f"{max(0.0, back - now):.2g} s"
            return (
                f": its process has ended ({self.last_death.reason}), the next one starts in {soon}"
            )
        if any(seat.permit == "asked" for seat in seats):
            return ": the manager runs as many processes as it may (max_processes)"
        if any(seat.state == "starting" for seat in seats):
            return ": its process is still starting"
        return ""


def _hung(worker: Worker, pulse: Pulse, now: float) -> str:
    over = f", with {worker.in_flight} calls over their deadline" if worker.in_flight else ""
    return f"it has not answered for {pulse.silence(now):.1f} s{over}"
