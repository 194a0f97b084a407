"""Calls from the backend to functions that its host offers."""

from __future__ import annotations

from _thread import allocate_lock, get_ident

from bridgekit.backend.call import current_call
from bridgekit.errors import (
    BridgeError,
    CallCancelled,
    CallTimeout,
    InvalidParams,
    MethodNotFound,
    RemoteError,
)
from bridgekit.wire.messages import Failure, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    from bridgekit.backend.bridge import PythonBridge
    from bridgekit.backend.loop import Loop

__all__ = ["HostCalls", "HostProxy"]


class HostProxy:
    """The host's functions, from any thread: ``host.name(a=1)`` or ``host.call("name", {"a": 1})``.

    Both block until the host answers. In ``async def`` methods ``await host.acall(...)`` instead.
    ``timeout`` is in seconds; without one, the call's own deadline counts. They raise RemoteError
    with the host's error, MethodNotFound, InvalidParams, CallTimeout, or BridgeError when the
    host offers no functions. While a plain method waits, other plain methods do not run: a host
    function that calls back into one waits until its timeout.
    """

    def __init__(self, bridge: PythonBridge) -> None:
        self._bridge = bridge

    def call(self, name: str, params: Any = None, *, timeout: Optional[float] = None) -> Any:
        """Call the host's function ``name`` and wait for its result."""
        calls = self._calls(name)
        if calls.on_event_loop():
            raise BridgeError("in an async method, use: await self.host.acall(...)")
        return calls.call(name, params, _patience(timeout))

    async def acall(self, name: str, params: Any = None, *, timeout: Optional[float] = None) -> Any:
        """As :meth:`call`, for ``async def`` methods."""
        return await self._calls(name).acall(name, params, _patience(timeout))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **params: self.call(name, list(args) if args else params)

    def _calls(self, name: str) -> HostCalls:
        loop = self._bridge._bridgekit_loop
        if loop is None or "call" not in loop.features:
            raise BridgeError(f"the host offers no functions, so {name!r} cannot be called")
        if loop.host_calls is None:
            loop.host_calls = HostCalls(loop)
        return loop.host_calls  # type: ignore[no-any-return]


def _patience(timeout: Optional[float]) -> Optional[float]:
    return current_call().remaining if timeout is None else timeout


class HostCalls:
    """The calls to the host that are in flight."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._serial = 0
        self._lock = allocate_lock()
        self._pending: dict[Any, Any] = {}

    def on_event_loop(self) -> bool:
        """Whether this is the thread of ``async def`` methods, which must not block."""
        tasks = self._loop.tasks
        return tasks is not None and tasks.thread == get_ident()

    def call(self, name: str, params: Any, timeout: Optional[float]) -> Any:
        """Send a call and wait on this thread."""
        answered = allocate_lock()
        answered.acquire()
        box: list[Any] = []

        def answer(message: Any) -> None:
            box.append(message)
            answered.release()

        call_id = self._send(name, params, answer)
        try:
            if not answered.acquire(True, -1 if timeout is None else max(0.0, timeout)):
                raise _timeout(name, timeout)
        finally:
            self._pending.pop(call_id, None)
        return _result(name, box[0])

    async def acall(self, name: str, params: Any, timeout: Optional[float]) -> Any:
        """Send a call and wait on the event loop."""
        import asyncio

        events = asyncio.get_running_loop()
        future = events.create_future()

        def answer(message: Any) -> None:
            events.call_soon_threadsafe(_set, future, message)

        call_id = self._send(name, params, answer)
        try:
            message = await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            raise _timeout(name, timeout) from None
        finally:
            self._pending.pop(call_id, None)
        return _result(name, message)

    def _send(self, name: str, params: Any, answer: Callable[[Any], None]) -> str:
        loop = self._loop
        with self._lock:
            self._serial += 1
            call_id = f"b{self._serial}"
        data = loop.connection.send(Request(call_id, name, params))
        self._pending[call_id] = answer
        if loop.eof or loop.outbox.gone:
            self._pending.pop(call_id, None)
            raise CallCancelled("the host is gone", method=name)
        loop.outbox.put(data)
        loop.outbox.flush()
        if not loop.waiting:
            loop.helper.urge()
        return call_id

    def receive(self, message: Any) -> None:
        """The host answered."""
        try:
            answer = self._pending.pop(message.id, None)
        except TypeError:  # an id that can be no key is none of ours
            return
        if answer is not None:
            answer(message)

    def fail_all(self) -> None:
        """The host will not answer any more."""
        for call_id in list(self._pending):
            self.receive(Failure(call_id, "the host is gone", "cancelled"))


def _set(future: Any, message: Any) -> None:
    if not future.done():
        future.set_result(message)


def _timeout(name: str, timeout: Optional[float]) -> CallTimeout:
    return CallTimeout(
        f"the host did not answer {name!r} within {timeout:g} s", timeout=timeout, method=name
    )


_ERRORS: dict[Any, Any] = {
    "method_not_found": MethodNotFound,
    -32601: MethodNotFound,
    "invalid_params": InvalidParams,
    -32602: InvalidParams,
    "cancelled": CallCancelled,
}


def _result(name: str, message: Any) -> Any:
    if type(message) is not Failure:
        return message.result
    code = message.code if type(message.code) in (int, str) else None
    kind = _ERRORS.get(code)
    if kind is not None:
        raise kind(message.error, method=name, code=code, data=message.data)
    raise RemoteError(
        message.error,
        type=message.type,
        traceback=message.traceback,
        method=name,
        code=message.code,
        data=message.data,
    )
