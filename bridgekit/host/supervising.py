"""Supervises one backend on an event loop: the driver of the policy, with ways to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from bridgekit.errors import BackendError
from bridgekit.host.driving import Driver
from bridgekit.host.entries import Entry
from bridgekit.host.places import Place
from bridgekit.host.planning import plan_of
from bridgekit.host.timer import Timer
from bridgekit.host.worker import Worker as Process
from bridgekit.policy.pooling import Worker

if TYPE_CHECKING:
    from bridgekit.host.events import Router
    from bridgekit.host.exposed import Exposed
    from bridgekit.host.hub import Hub
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.host.starting import Starter
    from bridgekit.policy.spec import BackendSpec

__all__ = ["AsyncDriver"]

_now = time.monotonic


class _Entry(Entry):
    """A call that a task waits for."""

    __slots__ = ("event",)

    event: anyio.Event | None

    def wake(self) -> None:
        if self.event is not None:
            self.event.set()

    async def turn(self) -> None:
        """Wait until it is settled."""
        self.event = anyio.Event()
        if not self.settled:
            await self.event.wait()
        self.event = None


class AsyncDriver(Driver):
    """Drives one backend on asyncio or trio; its tasks live in the manager's group."""

    def __init__(
        self,
        plan: LaunchPlan,
        spec: BackendSpec,
        hub: Hub,
        tasks: Starter,
        router: Router,
        exposed: Exposed,
    ) -> None:
        super().__init__(plan.name, spec, hub)
        self._plan: LaunchPlan | None = plan
        self._tasks = tasks
        self._router = router
        self._exposed = exposed
        self._timer = Timer(tasks, self.tick)
        self._news: anyio.Event | None = None
        self._launched = False
        self._failure: Exception | None = None
        self.over: Callable[[], None] = lambda: None

    # -- what the driver asks of its face ----------------------------------------------------------

    def launch(self, worker: Worker) -> Process:
        plan, self._plan = self._plan or plan_of(self.spec, self.name), None
        process = Process(self.spec, plan, self._tasks, self._router, self._exposed, self, worker)
        self._launched = True
        self._tasks.start_soon(self._start, process)
        return process

    async def _start(self, process: Process) -> None:
        try:
            await process.start()
        except BackendError as error:
            self.start_failed(error)

    def start_failed(self, error: Exception) -> None:
        if self._failure is None and not self.began:
            self._failure = error
            self.changed()

    def write(self, process: Process, entry: Entry, seconds: float | None) -> Any:
        return process.channel.submit(entry.method, entry.params, seconds, entry.on_event)

    def set_timer(self, when: float) -> None:
        self._timer.set(when)

    def changed(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
        if self.ended_for_good:
            self.over()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until ``condition()`` holds; it is looked at after each change."""
        while not condition():
            if self._news is None:
                self._news = anyio.Event()
            await self._news.wait()

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start for the first time; BackendStartError, with nothing left, when that fails."""
        self.hub.drivers.add(self)
        self.observe()
        self.supervisor.start(_now())
        self.sync()
        try:
            with anyio.move_on_after(self.spec.start_timeout):
                await self.until(lambda: self._launched or self._failure or not self.supervisor.on)
            if not self._launched and self._failure is None:
                raise self.unstarted()
            await self.until(lambda: self.began or self._failure)
            if not self.began and self._failure is not None:
                raise self._failure
        except BaseException:
            await self.terminate(0.0)
            raise

    async def terminate(self, grace: float | None) -> None:
        """Stop everything and wait for the end of it, cancelled or not."""
        self.grace = grace
        self.stop_supervising()
        going = tuple(self.processes)
        now = grace is not None and grace <= 0
        for process in going:
            if now or not process.stopping:  # whatever became of the supervisor's actions
                process.begin_stop(self.spec.stop_grace if grace is None else grace)
        with anyio.CancelScope(shield=True):
            await self.until(lambda: not any(process in self.processes for process in going))
        if self.ended_for_good:
            self.hub.drivers.discard(self)
            self._timer.close()
            self.wake_at = math.inf
            self.changed()  # for a start that had no process yet

    async def restart(self) -> None:
        """Replace every process, and start what is not up; return when that is done."""
        if self not in self.hub.drivers and not self.supervisor.paused:
            self.hub.drivers.add(self)
            self._timer = Timer(self._tasks, self.tick)
        old = self.begin_restart()
        await self.until(self.renewed)
        self.end_restart(old)

    # -- calls -------------------------------------------------------------------------------------

    def entry(self, method: str, params: Any, timeout: float | None, **options: Any) -> _Entry:
        """Return a call to be admitted or queued, and waited for in :meth:`outcome`."""
        entry = _Entry(method, params, _now(), timeout, **options)
        entry.event = None
        return entry

    async def outcome(self, entry: _Entry) -> Any:
        """Wait for the end of a call that was admitted; return its result or raise its error."""
        try:
            while True:
                if not entry.settled:
                    await entry.turn()
                if entry.error is not None:
                    raise entry.take_error()
                call = entry.call
                if call is None:
                    continue
                await call
                if entry.call is call:
                    break
        except BaseException:
            self.drop(entry)
            raise
        worker = entry.worker
        assert worker is not None
        worker.handle.entries.pop(entry, None)
        self.left(worker, call)
        if call.error is not None:
            raise call.take_error()
        return call.value

    async def ask(self, method: str, params: Any, timeout: float | None, on_event: Any) -> Any:
        """Ask on the control lane of the first worker, which answers whatever it has to do."""
        for process in self.processes:
            if process.session.state == "ready":
                call = process.channel.submit(method, params, timeout, on_event)
                await call
                if call.error is not None:
                    raise call.take_error()
                return call.value
        entry = self.entry(method, params, timeout, on_event=on_event)
        self.admit(entry)
        return await self.outcome(entry)

    async def place(self, method: str, timeout: float | None) -> Place:
        """Wait for a place at a worker, for what makes its calls there by itself."""
        entry = self.entry(method, None, timeout, sends=False)
        self.admit(entry)
        try:
            while not entry.settled:
                await entry.turn()
            if entry.error is not None:
                raise entry.take_error()
        except BaseException:
            self.drop(entry)
            raise
        worker = entry.worker
        assert worker is not None
        worker.handle.entries.pop(entry, None)
        return Place(self, worker, method)
