"""Performs what the supervisor of one backend decides; the same for every face of the host.

A face subclasses :class:`Driver` with its ways to start, stop and wait. Nothing here awaits or
locks: a face with threads holds one lock around every method. After anything that happened
:meth:`Driver.sync` performs the actions that the supervisor left, and sets its one timer.
"""

from __future__ import annotations

import logging
import math
import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.errors import BackendError, BackendStartError, BridgeError
from bridgekit.host.carrying import Carrier
from bridgekit.host.counters import Counters
from bridgekit.host.facts import lasting_facts, process_facts
from bridgekit.host.guarding import carry_on, each
from bridgekit.host.pending import PendingCall
from bridgekit.host.planning import is_passing
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
from bridgekit.policy.lifecycle import StateChange
from bridgekit.policy.pooling import Worker
from bridgekit.policy.snapshots import backend_status, worker_statuses
from bridgekit.policy.status import BackendStatus
from bridgekit.policy.supervision import Supervisor

if TYPE_CHECKING:
    from bridgekit.host.hub import Hub
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Driver", "PingCall"]

_monotonic = time.monotonic

logger = logging.getLogger("bridgekit")


class PingCall(PendingCall):
    """Asks a worker on its control lane whether it lives; any answer will do."""

    __slots__ = ("answered",)

    def __init__(self, answered: Callable[[], None]) -> None:
        super().__init__("$/ping")
        self.answered = answered

    def settle(self, result: Any) -> None:
        self.answered()

    def fail(self, error: Exception) -> None:
        """It is dead, which is noticed elsewhere, or it answered after all."""


class Driver(Carrier):
    """Drives one backend. ``processes`` are those that live, in order of their start.

    A process here is a face's own object with ``plan``, ``child``, ``session``, ``channel``,
    ``entries``, ``reason``, ``last_exit``, ``start_error`` and ``worker``, the supervisor's
    name for it. ``idempotent`` are the methods that the last one to be ready declared so.
    """

    def __init__(self, name: str, spec: BackendSpec, hub: Hub) -> None:
        super().__init__(
            Supervisor(name, spec, random=random.random, oldest_deadline=_oldest_deadline)
        )
        self.name = name
        self.spec = spec
        self.hub = hub
        self.counters = Counters()
        self.last_pid = 0
        self.began = False
        self.idempotent: frozenset[str] = frozenset()
        self.freeze = True
        self.grace: float | None = None
        self._busy = False
        self._lasting: dict[str, Any] = {}
        self.samples = spec.samples
        self._perform: dict[type[Any], Callable[[Any], None]] = {
            StateChange: self._tell,
            NeedProcess: lambda action: hub.provide(self, action, _monotonic()),
            ReleaseProcess: lambda action: hub.release(self, action, _monotonic()),
            Spawn: lambda action: self._spawn(action.worker),
            Stop: lambda action: self._stop(action.worker),
            Kill: lambda action: self._kill(action.worker, action.reason),
            Pause: lambda action: self._pause(action.worker),
            Resume: lambda action: action.worker.handle.thaw(),
            Ping: lambda action: self._ping(action.worker),
            Send: lambda action: self.send(action.worker, action.ticket.call),
            Reject: lambda action: action.ticket.call.fail(action.error),
        }

    # -- what a face provides --------------------------------------------------------------------

    def launch(self, worker: Worker) -> Any:
        """Start a process and its greeting; raise BackendStartError when that cannot work."""
        raise NotImplementedError

    def set_timer(self, when: float) -> None:
        """Call :meth:`tick` at ``when`` or before."""
        raise NotImplementedError

    def changed(self) -> None:
        """A worker has changed its state: wake who waits for that."""

    # -- doing what the supervisor wants -----------------------------------------------------------

    def sync(self) -> None:
        """Perform what is to be done, and set the timer. Does nothing inside itself."""
        if self._busy:
            return
        supervisor, perform = self.supervisor, self._perform
        self._busy = True
        told = False
        try:
            while supervisor.outbox:
                for action in supervisor.take_actions():
                    told = told or type(action) is StateChange
                    perform[type(action)](action)
        finally:
            self._busy = False
        if supervisor.wake_at < self.wake_at:
            self.wake_at = supervisor.wake_at
            self.set_timer(self.wake_at)
        if told:
            self.changed()

    def stop_supervising(self) -> None:
        """Have everything stopped and nothing started again, even when our own policy fails."""
        supervisor = self.supervisor
        stopped = False
        with carry_on(self.name):
            supervisor.stop(_monotonic())
            stopped = True
        if not stopped:
            supervisor.on = False
            each(self.name, lambda: supervisor.refuse("stopped"), supervisor.reject_waiting)
            for seat in tuple(supervisor.seats.values()):
                seat.restart_at, seat.after = math.inf, "stop"
                if seat.worker is None:
                    each(self.name, lambda: supervisor.vacate(seat))  # noqa: B023
        each(self.name, self.sync)

    def tick(self) -> None:
        """The timer has fired."""
        self.wake_at = math.inf
        now = _monotonic()
        if self.samples:
            self.sample(now)
        self.supervisor.tick(now)
        self.sync()

    def observe(self) -> None:
        """Tell of steps between ready and busy while anybody listens."""
        self.supervisor.observe(self.hub.observed)

    def _tell(self, change: StateChange) -> None:
        if self.supervisor.observed and not self.hub.observed:
            self.observe()
        if change.new == "failed" and self.began:
            about = self._about(change.worker)
            logger.error("backend %r has failed: %s", self.name, change.reason, extra=about)
        elif logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "backend %r, worker %d: %s -> %s (%s)",
                self.name,
                change.worker,
                change.old,
                change.new,
                change.reason,
                extra=self._about(change.worker),
            )
        self.hub.tell(change)

    def _about(self, number: int) -> dict[str, Any]:
        """Return what a log record says it is about: its process, or the last one of the worker."""
        seat = self.supervisor.seats.get(number)
        one = seat and (seat.worker or seat.last_death)
        return {"backend": self.name, "pid": one.pid if one else None}

    def _spawn(self, worker: Worker) -> None:
        try:
            process = self.launch(worker)
        except BackendStartError as error:
            if self.began:
                logger.warning("%s", error, extra={"backend": self.name, "pid": None})
            self.start_failed(error)
            self.supervisor.exited(
                worker,
                _monotonic(),
                reason=error.message.partition("\n")[0],
                permanent=not self.began or not is_passing(error),
            )
            return
        worker.handle = process
        worker.pid = self.last_pid = process.child.pid
        self.processes[process] = None

    def start_failed(self, error: Exception) -> None:
        """A start has failed in ``error``; the first one is the business of who waits for it."""

    def _stop(self, worker: Worker) -> None:
        grace = self.spec.stop_grace if self.grace is None else self.grace
        worker.handle.begin_stop(grace)

    def _kill(self, worker: Worker, reason: str) -> None:
        worker.handle.kill_for(reason)

    def _pause(self, worker: Worker) -> None:
        if self.freeze:
            worker.handle.freeze()

    def _ping(self, worker: Worker) -> None:
        process = worker.handle
        ping = PingCall(lambda: self.supervisor.pong(worker, _monotonic()))
        try:
            process.channel.write(process.session.open(ping))
        except BridgeError:
            pass  # it is closed: its end is near and will be told

    # -- what the processes tell -------------------------------------------------------------------

    def ready(self, process: Any) -> None:
        """The handshake is over."""
        self.began = True
        self.idempotent = process.session.peer.idempotent
        self._lasting = lasting_facts(process)
        process.oom.follow(process.child.pid)
        if process.session.plain:
            process.worker.pulse = None  # it has no control lane to answer on
        self.supervisor.ready(process.worker, _monotonic())
        self.sync()

    def ended(self, process: Any) -> float | None:
        """The process is gone and its calls are about to fail; return when the next one starts."""
        now = _monotonic()
        worker, session = process.worker, process.session
        pending = session.table.pending
        self.pool.close(worker)
        # Replies that were read at the end count, though nobody has looked at them yet.
        settled = max(0, worker.in_flight - len(pending) - len(session.afterwards))
        worker.in_flight -= settled
        worker.served += settled
        again = [
            entry for entry in process.entries if entry.call is None or entry.call.id in pending
        ]
        process.entries.clear()
        self.counters.add(worker, session)
        last = process.last_exit
        after = self.supervisor.exited(
            worker,
            now,
            reason=process.reason,
            code=last.code,
            signal=last.signal,
            permanent=not self.began
            or getattr(process.start_error, "code", "") == "version_mismatch",
            calls=again,
        )
        for entry in again:
            if entry not in after.lost:
                entry.wait_again()
        return after.next_restart

    def gone(self, process: Any) -> None:
        """All is told and closed: go on."""
        self.processes.pop(process, None)
        each(self.name, self.sync, self.changed)

    def lost(self, process: Any) -> None:
        """The process closed its wire: it gets no more calls, and ends soon."""
        self.pool.close(process.worker)

    def unresponsive(self, process: Any, why: str) -> None:
        """A call that was given up has not ended in its time."""
        self.supervisor.unresponsive(process.worker, _monotonic(), why)
        self.sync()

    # -- being paused and restarted by its host ---------------------------------------------------

    def pause(self, freeze: bool) -> None:
        """Give no more calls to the workers, and stop them where they stand if ``freeze``."""
        self.freeze = freeze
        self.supervisor.pause(_monotonic())
        self.sync()

    def resume(self) -> None:
        """Take up work again."""
        self.supervisor.resume(_monotonic())
        self.sync()

    def begin_restart(self) -> set[Worker]:
        """Begin to replace every process; return those to be replaced. See :meth:`renewed`."""
        supervisor = self.supervisor
        if supervisor.paused:
            raise BackendError(
                f"backend {self.name!r} is paused; resume() it first", backend=self.name
            )
        self.grace = None
        old = {process.worker for process in self.processes}
        self.observe()
        supervisor.restart(_monotonic())
        self.sync()
        return old

    def renewed(self) -> bool:
        """Whether the replacement is over, and whoever is on duty can take calls; or all is off."""
        supervisor = self.supervisor
        if not supervisor.on:
            return True
        if supervisor.replacements and not supervisor.paused:
            return False
        seats = supervisor.seats.values()
        return any(seat.worker is not None and seat.worker.open for seat in seats)

    def end_restart(self, old: set[Worker]) -> None:
        """Raise BackendError where the replacement of ``old`` came to nothing."""
        supervisor = self.supervisor
        if not supervisor.on:
            refusal = supervisor.pool.refusal
            raise refusal() if refusal is not None else BackendError(f"{self.name!r} is stopped")
        if any(process.worker in old and process.ended_at is None for process in self.processes):
            death = supervisor.last_death
            raise BackendError(
                f"backend {self.name!r} goes on as it was, because its new process did not start: "
                f"{'it was paused' if death is None else death.reason}",
                backend=self.name,
            )

    @property
    def ended_for_good(self) -> bool:
        """Whether there is no process, and none will come by itself."""
        return not self.processes and not self.supervisor.on

    def unstarted(self) -> Exception:
        """Return the error of a start that got no process: in its time, or before it was stopped."""
        refusal = self.supervisor.pool.refusal
        if not self.supervisor.on and refusal is not None:
            return refusal()
        error = BackendStartError(
            f"backend {self.name!r} was not started within {self.spec.start_timeout:g} s: "
            f"{self.hub.budget.limit} processes run already, which is the most this manager allows; "
            "terminate one, let idle ones stop (idle_timeout), or raise max_processes",
            backend=self.name,
        )
        error.timed_out = True
        return error

    # -- looking -----------------------------------------------------------------------------------

    def status(self, **own: Any) -> BackendStatus:
        """Return a snapshot of the backend; ``own`` are fields that the handle knows."""
        own |= self._lasting
        if self._lasting:
            own["executable_exists"] = os.path.exists(self._lasting["executable"])
        return backend_status(
            self.supervisor, _monotonic(), _facts, **self.counters.fields(), **own
        )

    def statuses(self) -> tuple[BackendStatus, ...]:
        """Return a snapshot for each worker."""
        return worker_statuses(self.supervisor, _monotonic(), _facts)


def _facts(worker: Worker) -> dict[str, Any]:
    return {} if worker.handle is None else process_facts(worker.handle)


def _oldest_deadline(worker: Worker) -> float:
    return math.inf if worker.handle is None else worker.handle.session.oldest_deadline()
