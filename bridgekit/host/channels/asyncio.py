"""asyncio, and uvloop: ``add_reader`` and one bare future a call."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator
from contextvars import Context
from typing import TYPE_CHECKING, Any

from bridgekit.host.channels.base import BaseChannel, OnEvent
from bridgekit.host.pending import AwaitedCall

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.session import Session
    from bridgekit.host.starting import Starter

__all__ = ["Channel"]

_monotonic = time.monotonic


class _Call(AwaitedCall):
    """A call that a task awaits directly, with what asyncio asks of a future and no more.

    A real future would wake its task through ``call_soon``: a handle and one more turn of the
    loop, a third of a call's whole cost. This one tells its channel who is to be woken, and the
    channel resumes the tasks once it has handled all that one read brought. A task may wait for
    any object with ``_asyncio_future_blocking``, ``_loop``, ``add_done_callback``, ``cancel``
    and ``result`` (see ``asyncio.isfuture``).
    """

    __slots__ = ("_asyncio_future_blocking", "_channel", "_loop", "callback", "context")

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
        self.callback: Callable[[Any], object] | None = None
        self._channel = channel
        self._loop = channel.loop
        self._asyncio_future_blocking = True

    def settle(self, result: Any) -> None:
        if not self.done:
            self.done = True
            self.value = result
            if self.callback is not None:
                channel = self._channel
                channel.woken.append(self)
                if not channel.reading:
                    channel.wake_soon()

    def fail(self, error: BaseException) -> None:
        if not self.done:
            self.done = True
            self.error = error
            if self.callback is not None:
                self._channel.woken.append(self)
                self._channel.wake_soon()

    def __await__(self) -> Generator[Any, Any, Any]:
        # A tuple's iterator does what the generator would, without a frame of its own.
        return iter(() if self.done else (self,))  # type: ignore[return-value]

    # What the task's wake-up asks for is looked up by who awaits, after it.
    result = staticmethod(bool)

    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None:
        self.callback = callback
        self.context = context
        if self.done:  # pragma: no cover - only a task that was cancelled before it waited
            self._channel.woken.append(self)
            self._channel.wake_soon()

    def cancel(self, msg: object = None) -> bool:
        if self.done:
            return False
        self._channel.give_up(self)
        self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True


class Channel(BaseChannel):
    """One child's pipes on an asyncio event loop."""

    def __init__(
        self,
        session: Session,
        child: ChildProcess,
        tasks: Starter,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(session, child, tasks, lost)
        self.loop = asyncio.get_running_loop()
        self.woken: list[_Call] = []
        self.reading = False
        self._waking = False
        self._timer: asyncio.TimerHandle | None = None
        self._watched: set[int] = set()

    def start(self) -> None:
        self.watch(self._stdout, self._on_readable)

    def make_call(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        deadline = math.inf if seconds is None else _monotonic() + seconds
        return _Call(method, params, seconds, deadline, on_event, self)

    def wake_soon(self) -> None:
        """Resume those in ``woken``: after this read, or else in the loop's next turn."""
        if not self.reading and not self._waking:
            self._waking = True
            self.loop.call_soon(self._wake_all)

    def _wake_all(self) -> None:
        self._waking = False
        woken, self.woken = self.woken, []
        rest = iter(woken)
        try:
            for call in rest:
                callback, call.callback = call.callback, None
                if callback is None:
                    continue
                if call.context is None:
                    callback(call)
                else:
                    call.context.run(callback, call)
        except BaseException:  # KeyboardInterrupt in one task must not strand the others
            self.woken[:0] = rest
            self.wake_soon()
            raise

    def _on_readable(self) -> None:
        self.reading = True
        try:
            super()._on_readable()
        finally:
            self.reading = False
            if self.woken:
                self._wake_all()

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        self.loop.add_reader(fd, callback)
        self._watched.add(fd)

    def unwatch(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.discard(fd)
            if not self.loop.is_closed():
                self.loop.remove_reader(fd)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        return self.loop.call_later(seconds, callback).cancel

    def from_thread(self, callback: Callable[[], None]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(callback)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # The loop's clock may be another one (uvloop): only the distance is ours.
        self._timer = self.loop.call_later(max(0.0, when - _monotonic()), self._on_timer)

    def _flush_soon(self) -> None:
        self.loop.call_soon(self._flush)

    def _watch_writable(self) -> None:
        self.loop.add_writer(self._stdin, self._flush)

    def _unblock(self) -> None:
        if self._blocked and self._stdin >= 0 and not self.loop.is_closed():
            self.loop.remove_writer(self._stdin)
        super()._unblock()

    def close(self) -> None:
        for fd in tuple(self._watched):
            self.unwatch(fd)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().close()
