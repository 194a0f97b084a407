"""One backend over the months: what happens to it, and what to do about it.

A pure state machine. Each face has one small driver, which calls a method for what happened,
with the moment ``now``, and then performs what it finds in ``outbox``::

    supervisor.exited(worker, now, reason="exit code 3", code=3)
    for action in supervisor.take_actions():
        perform(action)                 # see bridgekit.policy.actions
    timer.set(supervisor.wake_at)       # then supervisor.tick(now)

The same after calls of ``supervisor.pool`` (the path of each call) whenever ``outbox`` is not
empty. Nothing here locks: a driver with threads holds one lock for supervisor and pool together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bridgekit.policy.actions import ReleaseProcess, Resume
from bridgekit.policy.pooling import Worker
from bridgekit.policy.restart import Death, RestartHistory
from bridgekit.policy.salvage import Resendable, salvage
from bridgekit.policy.seats import Seat
from bridgekit.policy.upkeep import Upkeep

__all__ = ["Aftermath", "Supervisor"]


class Aftermath(NamedTuple):
    """What a death means: ``lost`` calls have failed, the others are queued again.

    ``next_restart`` is the seconds until the worker is started again, None when it is not.
    """

    lost: list[Resendable]
    next_restart: float | None


class Supervisor(Upkeep):
    """Decides for one backend. ``random`` returns a float in [0, 1).

    ``oldest_deadline`` tells the earliest deadline of the calls that a worker has not ended,
    given up by their callers or not. Set ``observed`` (by :meth:`observe`) to be told of each
    step between ready and busy, which costs a little with each call; other changes are always
    told. ``latency.record`` is for the driver: seconds, once a call.
    """

    # --- what the host wants ------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Start the backend: every seat that has no process gets one. Also after a failure."""
        fresh = not self.on
        self.on = True
        self.draining = self.asleep = False
        self.pool.refusal = None
        self.furnish()
        for seat in list(self.seats.values()):
            if fresh or seat.state == "failed":
                seat.history = RestartHistory()
            if seat.state != "backing-off":
                self.begin(seat, now, "started")
        self.settle(now)

    def stop(self, now: float, reason: str = "stopped by its host") -> None:
        """Stop the backend: waiting calls are rejected, processes stopped, nothing restarts."""
        self.on = self.draining = self.asleep = self.paused = False
        self.replacements.clear()
        self.refuse(reason)
        self.reject_waiting()
        for seat in list(self.seats.values()):
            self.end(seat, now, reason, "leave" if seat.role == "relief" else "stop")
        self.settle(now)

    def drain(self, now: float, reason: str = "being stopped by its host") -> None:
        """Accept no new calls, let the waiting and running ones end, then stop."""
        if self.on:
            self.draining = True
            self.refuse(reason)
            self.settle(now)

    def restart(self, now: float, reason: str = "rolling restart") -> None:
        """Replace every process by a new one without a failed call; start what is not up.

        What waits for its next start waits no longer.
        """
        old = [seat for seat in self.seats.values() if seat.worker is not None]
        if self.on:
            for seat in list(self.seats.values()):
                if seat.state == "backing-off":
                    self.begin(seat, now, reason)
        self.start(now)
        for seat in sorted(old, key=lambda seat: seat.role != "spare"):
            if seat.worker is not None and seat.after is None:
                self.replacements.add(seat.worker, reason)
        self.settle(now)

    def pause(self, now: float, reason: str = "paused by its host") -> None:
        """Give no calls to the workers and pause them; calls wait, deadlines run on."""
        self.paused = True
        for seat in self.seats.values():
            if seat.state in {"ready", "busy"}:
                self.pause_seat(seat, now, reason)
        self.settle(now)

    def resume(self, now: float, reason: str = "resumed by its host") -> None:
        """Take up work again."""
        self.paused = False
        for seat in self.seats.values():
            worker = seat.worker
            if seat.state != "paused" or worker is None:
                continue
            self.change(seat, "resume", reason, now)
            self.outbox.append(Resume(worker))
            if worker.pulse is not None:
                worker.pulse.heard(now)
            if seat.role == "duty" and seat.after is None and worker.doom is None:
                self.pool.open(worker, now)
        self.settle(now)

    def drained(self, now: float) -> None:
        """See Upkeep."""
        self.stop(now)

    # --- what happened ------------------------------------------------------------------------

    def granted(self, seat: Seat, now: float) -> None:
        """The budget has a process for ``seat``."""
        if seat.permit == "asked":
            seat.permit = "held"
            self.spawn(seat, now, "started")
            self.settle(now)
        elif seat.permit == "none":
            self.outbox.append(ReleaseProcess(seat))

    def denied(self, seat: Seat, now: float) -> None:
        """The budget has no process to spare for ``seat`` (see ``NeedProcess.optional``)."""
        if seat.permit == "asked":
            seat.permit = "none"
            self.replacements.refused(seat, now)
            self.settle(now)

    def ready(self, worker: Worker, now: float) -> None:
        """The handshake of ``worker`` is over."""
        seat = worker.seat
        if seat.worker is not worker or seat.state != "starting":
            return
        self.change(seat, "ready", "its handshake is over", now)
        worker.expires += now - worker.spawned
        if seat.role == "relief":
            self.replacements.relieved(seat, now)
        elif seat.role == "duty":
            self.put_on_duty(seat, now)
        if self.paused:
            self.pause_seat(seat, now, "the backend is paused")
        if worker.stale:
            self.replacements.add(worker, "it was started before the restart")
        self.replacements.ready(seat)
        if worker.pulse is not None and self.plan.health is not None and self.plan.health.idle:
            self.look_at = min(self.look_at, now + self.plan.health.interval)
        self.settle(now)

    def exited(
        self,
        worker: Worker,
        now: float,
        *,
        reason: str,
        code: int | None = None,
        signal: str | None = None,
        permanent: bool = False,
        calls: Sequence[Resendable] = (),
    ) -> Aftermath:
        """The process of ``worker`` is gone, or could not be started.

        ``calls`` are those that were sent to it and have not ended.
        """
        seat = worker.seat
        if seat.worker is not worker:
            return Aftermath(list(calls), None)
        self.pool.close(worker)
        seat.worker = None
        death = self.last_death = seat.last_death = Death(
            at=now,
            reason=reason if worker.doom is None else f"{reason}, because {worker.doom}",
            code=code,
            signal=signal,
            pid=worker.pid,
            lived=max(0.0, now - worker.duty_since),
            age=max(0.0, now - worker.spawned),
            served=worker.served,
            in_flight=max(worker.in_flight, len(calls)),
            permanent=permanent,
            requested=seat.after is not None,
        )
        worker.in_flight = 0
        if death.requested:
            self.ended(seat, now, reason)
        else:
            self.died(seat, death, now)
        self.replacements.gone(seat, now)
        lost = salvage(self.pool, calls, now) if self.on else list(calls)
        self.settle(now)
        if seat.state == "backing-off":
            return Aftermath(lost, max(0.0, seat.restart_at - now))
        return Aftermath(lost, 0.0 if seat.state == "starting" else None)

    def bounced(
        self,
        worker: Worker,
        call: Resendable,
        now: float,
        *,
        reason: str = "its wire is broken",
    ) -> None:
        """``call`` never reached ``worker``, whose wire is broken: the call waits again."""
        self.kill(worker, reason)
        worker.in_flight -= 1
        call.ticket = self.pool.requeue(call, now, call.priority, call.deadline)
        if not self.on:
            self.reject_waiting()
        self.settle(now)

    def unresponsive(self, worker: Worker, now: float, reason: str) -> None:
        """A call that was given up has not ended within its grace: kill the worker."""
        self.kill(worker, reason)
        self.settle(now)

    def pong(self, worker: Worker, now: float) -> None:
        """``worker`` answered a ``Ping``."""
        if worker.pulse is not None:
            worker.pulse.heard(now)

    def memory(self, worker: Worker, used: float, now: float) -> None:
        """``worker`` was seen using so many bytes."""
        limit = self.plan.limits.rss
        if limit is not None and used > limit:
            self.kill(
                worker,
                f"it used {used / 2**20:.0f} MiB of memory, more than limits.rss allows "
                f"({limit / 2**20:.0f} MiB), so its host killed it",
            )
            self.settle(now)
        elif worker.open and used >= worker.most_memory:
            self.replacements.add(worker, f"it uses {used / 2**20:.0f} MiB of memory")
            self.settle(now)
