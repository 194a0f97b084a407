"""Supervises one backend among threads: the driver of the policy, with ways to wait.

Every step of the policy is taken by :meth:`BlockingDriver.run`: with the hub's lock, the lane of
lone callers shut meanwhile, and never torn by an interrupt.
"""

from __future__ import annotations

import math
import time
from _thread import allocate_lock
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bridgekit.blocking.calling import Calling
from bridgekit.blocking.lane import Lane
from bridgekit.blocking.pipes import LONGEST
from bridgekit.blocking.worker import Worker as Process
from bridgekit.blocking.worker import disowned
from bridgekit.errors import BridgeError
from bridgekit.host.driving import PingCall
from bridgekit.host.planning import plan_of
from bridgekit.policy.pooling import Worker

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.hearing import Hearing
    from bridgekit.blocking.hub import SharedHub
    from bridgekit.host.entries import Entry
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.policy.spec import BackendSpec
    from bridgekit.policy.status import BackendStatus

__all__ = ["BlockingDriver"]

T = TypeVar("T")

_now = time.monotonic


class BlockingDriver(Calling):
    """Drives one backend for any number of threads; timers and processes are the janitor's.

    ``opened`` is called with the channel that lone callers are to use from then on.
    """

    def __init__(
        self,
        plan: LaunchPlan,
        spec: BackendSpec,
        hub: SharedHub,
        hearing: Hearing,
        opened: Callable[[Channel], None],
    ) -> None:
        super().__init__(plan.name, spec, hub)
        self.lane = Lane(self, opened)
        self._plan: LaunchPlan | None = plan
        self._hearing = hearing
        self._servant: Any = None  # the janitor, while it is hired
        self._armed: float | None = None
        self._waiters: list[Any] = []
        self._steps = 0
        self._launched = False
        self._failure: Exception | None = None

    # -- steps of the policy -----------------------------------------------------------------------

    def run(self, step: Callable[[], T]) -> T:
        """Take ``step`` and return or raise what it does; see :meth:`SharedHub.run`."""
        return self.hub.run(partial(self._alone, step))

    def post(self, step: Callable[[], object]) -> None:
        """Have ``step`` taken before any later one of this thread; see :meth:`SharedHub.post`."""
        self.hub.post(partial(self._alone, step))

    def _alone(self, step: Callable[[], T]) -> T:
        self.lane.shut()
        self._steps += 1
        try:
            return step()
        finally:
            self._steps -= 1
            self.reopen()

    def reopen(self) -> None:
        if not self._steps and not self._busy:
            self.lane.open()

    def sync(self) -> None:
        self.lane.shut()  # another backend of the manager may have caused this
        super().sync()
        self.reopen()

    def observe(self) -> None:
        self.lane.shut()
        super().observe()
        self.reopen()

    # -- what the driver asks of its face ----------------------------------------------------------

    def launch(self, worker: Worker) -> Process:
        plan, self._plan = self._plan or plan_of(self.spec, self.name), None
        process = Process(self.spec, plan, self._hearing, self, worker)
        self._launched = True
        process.greet()
        return process

    def start_failed(self, error: Exception) -> None:
        if self._failure is None and not self.began:
            self._failure = error
            self.changed()

    def over_with(self, process: Process, failure: Exception | None) -> None:
        """All of ``process`` is told and closed; ``failure`` is why it was never ready."""
        self.gone(process)
        if failure is not None:
            self.start_failed(failure)

    def write(self, process: Process, entry: Entry, seconds: float | None) -> Any:
        return process.channel.submit(entry.method, entry.params, seconds, entry.on_event)

    def set_timer(self, when: float) -> None:
        self._armed = when
        if self._servant is not None:
            self._servant.at(when, lambda: self._on_timer(when))

    def _on_timer(self, when: float) -> None:
        if self._armed == when:  # else there is an earlier one, or it has fired
            self._armed = None
            self.run(self.tick)

    def changed(self) -> None:
        living = [one for one in self.processes if one.session.state == "ready"]
        lone = living[0].channel if len(living) == len(self.processes) == 1 else None
        self._hearing.move(lone)
        if self.ended_for_good:
            self._hearing.end()
            self.hub.drivers.discard(self)
            self._let_go()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.release()

    def until(self, condition: Callable[[], object], timeout: float | None = None) -> None:
        """Wait until ``condition()`` holds, at most ``timeout`` s; it is looked at after changes."""
        until = None if timeout is None else _now() + timeout
        while True:
            waiter = allocate_lock()
            waiter.acquire()
            with self.hub.lock:
                if condition():
                    return
                self._waiters.append(waiter)
            left = LONGEST if until is None else min(LONGEST, until - _now())
            if left <= 0:
                return
            waiter.acquire(True, left)

    def ended(self, process: Process) -> float | None:
        self.lane.bury(process.channel)
        return super().ended(process)

    def _ping(self, worker: Worker) -> None:
        channel, session = worker.handle.channel, worker.handle.session
        ping = PingCall(lambda: channel.later(lambda: self.run(lambda: self._heard(worker))))
        try:
            channel.send(lambda: session.outgoing.append(session.open(ping)))
        except BridgeError:
            pass  # it is closed: its end is near and will be told
        channel.attend()

    def _heard(self, worker: Worker) -> None:
        self.supervisor.pong(worker, _now())

    # -- looking -----------------------------------------------------------------------------------

    def status(self, **own: Any) -> BackendStatus:
        return self.run(lambda: super(BlockingDriver, self).status(**own))

    def statuses(self) -> tuple[BackendStatus, ...]:
        return self.run(super().statuses)

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start for the first time; BackendStartError, with nothing left, when that fails."""
        try:
            self._hire()
            self.run(self._begin)
            self.until(
                lambda: self._launched or self._failure or not self.supervisor.on,
                self.spec.start_timeout,
            )
            if not self._launched and self._failure is None:
                raise self.unstarted()
            self.until(lambda: self.began or self._failure)
            if not self.began and self._failure is not None:
                raise self._failure
        except BaseException:
            self.terminate(0.0)
            raise

    def _begin(self) -> None:
        self._hire()
        self.hub.drivers.add(self)
        self.observe()
        self.supervisor.start(_now())
        self.sync()

    def _hire(self) -> None:
        self._servant = self.hub.hire(self)

    def _let_go(self) -> None:
        self._servant = self._armed = None
        self.wake_at = math.inf
        self.hub.dismiss(self)

    def terminate(self, grace: float | None) -> None:
        """Stop everything and wait for the end of it; interrupted, kill everything."""
        try:
            self.await_end(self.begin_stop(grace))
        except BaseException:
            self.kill_all()
            raise

    def await_end(self, going: Iterable[Process]) -> None:
        """Wait until the processes ``going`` are gone."""
        self.until(lambda: not any(process in self.processes for process in going))

    def kill_all(self) -> None:
        """Kill every process at once, without waiting."""
        for process in tuple(self.processes):
            process.force()

    def begin_stop(self, grace: float | None) -> tuple[Process, ...]:
        """Begin to stop everything; return the processes whose end is to be waited for."""
        return self.run(lambda: self._stop_all(grace))

    def _stop_all(self, grace: float | None) -> tuple[Process, ...]:
        already = {process for process in self.processes if process.stopping}
        self.grace = grace
        self.stop_supervising()
        going = tuple(self.processes)
        for process in going:
            if process in already:
                if grace is not None:
                    process.begin_stop(grace)
            elif not process.stopping:  # whatever became of the supervisor's actions
                process.begin_stop(self.spec.stop_grace if grace is None else grace)
        if self.ended_for_good:
            self.changed()
        return going

    def restart(self) -> None:
        """Replace every process, and start what is not up; return when that is done."""
        self._hire()
        old = self.run(self._begin_restart)
        self.until(self.renewed)
        self.run(lambda: self.end_restart(old))

    def _begin_restart(self) -> set[Worker]:
        self._hire()  # an earlier stop may have ended just now
        self._hearing.begin()
        self.hub.drivers.add(self)
        return self.begin_restart()

    def disown(self) -> None:
        """This is a forked copy: no process is ours, and all calls are refused."""
        self.supervisor.on = False
        self.supervisor.refuse_with(disowned(self.name))
        self.processes.clear()
        self._servant = None
        if self.lane.channel is not None:
            self.lane.channel.gate.append(True)
