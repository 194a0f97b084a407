"""trio: a task that waits for the pipe and reschedules callers directly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import trio

from bridgekit.host.channels.base import BaseChannel, OnEvent
from bridgekit.host.pending import AwaitedCall

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.session import Session
    from bridgekit.host.starting import Starter

__all__ = ["Channel"]

_monotonic = time.monotonic
_checkpoint = trio.lowlevel.checkpoint_if_cancelled
_reschedule = trio.lowlevel.reschedule
_current_task = trio.lowlevel.current_task
_park = trio.lowlevel.wait_task_rescheduled


class _Call(AwaitedCall):
    """A call for which a task parks; ``task`` is the one to wake."""

    __slots__ = ("channel", "task")

    def __init__(
        self,
        method: str,
        params: Any,
        timeout: float | None,
        deadline: float,
        on_event: OnEvent,
        channel: Channel,
    ) -> None:
        self.id = None
        self.method = method
        self.params = params
        self.timeout = timeout
        self.deadline = deadline
        self.on_event = on_event
        self.done = False
        self.error = None
        self.channel = channel
        self.task: trio.lowlevel.Task | None = None

    def settle(self, result: Any) -> None:
        self.done = True
        self.value = result
        task = self.task
        if task is not None:
            self.task = None
            _reschedule(task)

    def fail(self, error: BaseException) -> None:
        self.done = True
        self.error = error
        task = self.task
        if task is not None:
            self.task = None
            _reschedule(task)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self.done:
            return _checkpoint().__await__()
        self.task = _current_task()
        return _park(self._abort).__await__()

    def _abort(self, _raise_cancel: Any) -> trio.lowlevel.Abort:
        self.task = None
        self.channel.give_up(self)
        return trio.lowlevel.Abort.SUCCEEDED


class Channel(BaseChannel):
    """One child's pipes in a trio run; its tasks live in the manager's task group."""

    checkpoint = staticmethod(_checkpoint)

    def __init__(
        self,
        session: Session,
        child: ChildProcess,
        tasks: Starter,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(session, child, tasks, lost)
        self._token = trio.lowlevel.current_trio_token()
        self._scopes: dict[int, trio.CancelScope] = {}
        self._timer: trio.CancelScope | None = None
        self._flusher: trio.lowlevel.Task | None = None
        self._writer: trio.CancelScope | None = None
        self._flusher_runs = False
        self._flush_scope: trio.CancelScope | None = None

    def start(self) -> None:
        self.watch(self._stdout, self._on_readable)

    def make_call(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        deadline = math.inf if seconds is None else _monotonic() + seconds
        return _Call(method, params, seconds, deadline, on_event, self)

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        scope = self._scopes[fd] = trio.CancelScope(shield=True)
        self._tasks.start_soon(self._watch, fd, callback, scope)

    async def _watch(self, fd: int, callback: Callable[[], None], scope: trio.CancelScope) -> None:
        wait_readable = trio.lowlevel.wait_readable
        with scope:
            while self._scopes.get(fd) is scope:
                await wait_readable(fd)
                callback()

    def unwatch(self, fd: int) -> None:
        scope = self._scopes.pop(fd, None)
        if scope is not None:
            scope.cancel()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        scope = trio.CancelScope(shield=True)

        async def wait() -> None:
            with scope:
                await trio.sleep(seconds)
                callback()

        self._tasks.start_soon(wait)
        return scope.cancel

    def from_thread(self, callback: Callable[[], None]) -> None:
        try:
            self._token.run_sync_soon(callback)
        except trio.RunFinishedError:
            pass

    def _set_timer(self, when: float) -> None:
        deadline = trio.current_time() + max(0.0, when - _monotonic())
        if self._timer is not None:
            self._timer.deadline = deadline
            return
        self._timer = trio.CancelScope(shield=True, deadline=deadline)
        self._tasks.start_soon(self._tick)

    async def _tick(self) -> None:
        """Sleep to the timer's deadline, which moves under us, again and again."""
        while self._timer is not None and not self.closed:
            with self._timer:
                await trio.sleep_forever()
            if self.closed:
                return
            self._timer = trio.CancelScope(shield=True)
            self._on_timer()

    def _flush_soon(self) -> None:
        if self._flusher is not None:
            task, self._flusher = self._flusher, None
            _reschedule(task)
        elif not self._flusher_runs:
            self._flusher_runs = True
            self._tasks.start_soon(self._flush_each_turn)

    async def _flush_each_turn(self) -> None:
        def abort(_raise_cancel: Any) -> trio.lowlevel.Abort:
            self._flusher = None
            return trio.lowlevel.Abort.SUCCEEDED

        with trio.CancelScope(shield=True) as self._flush_scope:
            while not self.closed:
                if self._flushing:
                    self._flush()
                self._flusher = _current_task()
                await _park(abort)

    def _watch_writable(self) -> None:
        scope = self._writer = trio.CancelScope(shield=True)
        self._tasks.start_soon(self._write_on, scope)

    async def _write_on(self, scope: trio.CancelScope) -> None:
        with scope:
            while self._blocked and self._writer is scope:
                await trio.lowlevel.wait_writable(self._stdin)
                self._flush()

    def _unblock(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.cancel()
        super()._unblock()

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        for fd in tuple(self._scopes):
            self.unwatch(fd)
        for scope in (self._timer, self._flush_scope, self._writer):
            if scope is not None:
                scope.cancel()
        self._timer = None
