"""A live backend as its host's code sees it: call it, stream from it, listen to it, stop it."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from bridgekit.host.batching import call_many
from bridgekit.host.channels.writing import HIGH_WATER
from bridgekit.host.events import MAX_BYTES, MAX_EVENTS, Drop, Router, Subscription
from bridgekit.host.exposed import Exposed
from bridgekit.host.proxy import Proxy, typed_proxy
from bridgekit.host.stream import Stream
from bridgekit.policy.status import BackendStatus
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from bridgekit.host.worker import Worker
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Backend", "EventQueue"]

T = TypeVar("T")

logger = logging.getLogger("bridgekit")


class _Default:
    """Stands for "as the spec says" where None means "no limit"."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Any = _Default()


class EventQueue(Subscription):
    """Events that wait for one reader: ``async for event in queue``.

    Each event has ``topic``, ``data`` and ``call`` (the id of the call it belongs to, or None).
    The iteration ends when the backend has ended and all that came before was read.
    """

    _event: anyio.Event | None = None

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        while True:
            event = self.take()
            if event is not None:
                return event
            if self.ended:
                raise StopAsyncIteration
            self._event = self._event or anyio.Event()
            await self._event.wait()


class _Listening(AbstractAsyncContextManager[EventQueue]):
    """The time in which an :class:`EventQueue` receives."""

    def __init__(self, backend: Backend, topic: str, queue: EventQueue) -> None:
        self._backend, self._topic, self._queue = backend, topic, queue

    async def __aenter__(self) -> EventQueue:
        self._remove = self._backend._listen(self._topic, self._queue)
        return self._queue

    async def __aexit__(self, *_: object) -> None:
        self._remove()


class Backend:
    """A backend process. Made by :meth:`ProcessManager.spawn`; all methods may run at once.

    Every call ends exactly once: with its result, a :class:`~bridgekit.RemoteError` (or one of
    its kin), :class:`~bridgekit.CallTimeout`, cancellation, or
    :class:`~bridgekit.BackendDied`.
    """

    def __init__(self, spec: BackendSpec, name: str, tasks: TaskGroup, exposed: Exposed) -> None:
        self.spec = spec
        self.name = name
        self._tasks = tasks
        self._router = Router()
        self._exposed = Exposed(exposed)
        self._queues: list[EventQueue] = []
        self._dropped = 0
        self._call_timeout = spec.call_timeout
        self._worker: Worker
        self.proxy = Proxy(self)
        """``await backend.proxy.add(a=1, b=2)`` for ``await backend.call("add", ...)``."""

    def _attach(self, worker: Worker) -> None:
        self._worker = worker
        self._channel = worker.channel

    # -- calls ---------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | Iterable[Any] | None = None,
        *,
        timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
    ) -> Any:
        """Call ``method`` and return its result.

        ``params`` is a mapping (by name) or a sequence (by position). ``timeout`` is the total
        in seconds, None for no limit, by default the spec's ``call_timeout``. ``on_event`` gets
        the call's events while it runs: ``$/progress``, ``$/log``, ``$/output`` and those that
        the method sends. The result of a generator method is the list of its items. Cancelling
        the awaiting task cancels the call in the backend.

        Raises RemoteError, MethodNotFound, InvalidParams, CallTimeout, BackendDied, EncodeError.
        """
        if timeout is DEFAULT:
            timeout = self._call_timeout
        if params is not None and type(params) is not dict:
            params = plain_params(params)
        if on_event is not None:
            on_event = guarded(on_event)
        channel = self._channel
        if channel.backlog > HIGH_WATER:
            await channel.wait_writable(method, timeout)
        if channel.pending:
            call = channel.submit(method, params, timeout, on_event)
        else:
            outcome = channel.lone(method, params, timeout, on_event)
            if outcome.__class__ is tuple:
                if channel.checkpoint is not None:
                    await channel.checkpoint()
                return outcome[0]
            call = outcome  # type: ignore[assignment]
        await call
        if call.error is not None:
            raise call.take_error()
        return call.value

    async def call_many(
        self,
        method: str,
        items: Iterable[Mapping[str, Any] | Iterable[Any] | None],
        *,
        timeout: float | None = DEFAULT,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Call ``method`` once for each of ``items``, in order; return the results in order.

        Much cheaper than as many calls, because many travel in one frame. ``timeout`` is what
        each call may take. The first failure cancels the rest and is raised (with a note that
        tells which item it was); with ``return_exceptions`` failures stand in the list instead.
        """
        if timeout is DEFAULT:
            timeout = self._call_timeout
        params = [item if type(item) is dict else plain_params(item) for item in items]
        return await call_many(self._worker.channel, method, params, timeout, return_exceptions)

    def stream(
        self,
        method: str,
        params: Mapping[str, Any] | Iterable[Any] | None = None,
        *,
        timeout: float | None = None,
        item_timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
    ) -> Stream[Any]:
        """Iterate over what a generator method yields: ``async for row in backend.stream(...)``.

        ``timeout`` limits the whole stream (by default nothing does), ``item_timeout`` the wait
        for each item (by default the spec's ``call_timeout``). Leaving the loop early cancels
        the call in the backend, which never runs far ahead of the consumer.
        """
        if item_timeout is DEFAULT:
            item_timeout = self._call_timeout
        if on_event is not None:
            on_event = guarded(on_event)
        channel = self._worker.channel
        return Stream(channel, method, plain_params(params), timeout, item_timeout, on_event)

    def proxy_as(self, cls: Callable[..., T]) -> T:
        """Return a proxy that type checkers take for a ``cls``.

        ``cls`` is usually a Protocol, or any class, with an ``async def`` (or async generator,
        for streams) for each method. Raises MethodNotFound when the backend lacks one of them.
        """
        return typed_proxy(self, cls)

    # -- events --------------------------------------------------------------------------------

    def on(self, topic: str, handler: Callable[[Event], object]) -> Callable[[], None]:
        """Call ``handler(event)`` for each event whose topic matches; return what ends that.

        In ``topic`` a ``*`` stands for any characters; bridgekit's own ``$/...`` topics match
        only patterns that start with ``$``. A plain function runs in the event loop and must
        not block; an ``async def`` one runs in a task of its own, one event after the other,
        behind a bounded queue. What a handler raises is logged.
        """
        if inspect.iscoroutinefunction(handler):
            queue = EventQueue()
            remove = self._listen(topic, queue)
            self._tasks.start_soon(_consume, queue, handler)
            return remove
        return self._router.add(topic, handler)

    def events(
        self,
        topic: str = "*",
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        drop: Drop = "oldest",
    ) -> AbstractAsyncContextManager[EventQueue]:
        """Receive events in ``async with backend.events("train.*") as queue``.

        The queue is bounded; what a slow reader has no room for is dropped, the ``oldest`` or
        the ``newest`` first, and counted in ``queue.dropped`` and ``status.dropped_events``.
        """
        return _Listening(self, topic, EventQueue(max_events, max_bytes, drop))

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let this backend call ``function`` (plain or async) as ``name``; return the undo."""
        return self._exposed.add(name, function)

    def _listen(self, topic: str, queue: EventQueue) -> Callable[[], None]:
        remove_target = self._router.add(topic, queue=queue.put)
        self._queues.append(queue)

        def remove() -> None:
            remove_target()
            if queue in self._queues:
                self._queues.remove(queue)
                self._dropped += queue.dropped
            queue.end()

        if self._worker.exited.is_set():
            queue.end()
        return remove

    def _on_exit(self) -> None:
        for queue in self._queues:
            queue.end()

    # -- life ----------------------------------------------------------------------------------

    @property
    def status(self) -> BackendStatus:
        """A frozen snapshot of this moment."""
        worker = self._worker
        session, peer, python = worker.session, worker.session.peer, worker.plan.python
        until = time.monotonic() if worker.ended_at is None else worker.ended_at
        return BackendStatus(
            name=self.name,
            state=_state(worker),
            pid=worker.child.pid,
            uptime=until - worker.started_at,
            in_flight=session.in_flight,
            calls=session.completed + session.failed,
            failed_calls=session.failed,
            late_replies=session.late,
            dropped_events=self._dropped + sum(queue.dropped for queue in self._queues),
            malformed_frames=session.malformed,
            plain=session.plain,
            methods=peer.methods,
            python_version=peer.python_version,
            executable=peer.executable or (None if python is None else python.path),
            last_exit=worker.last_exit,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._worker.child.pid

    async def terminate(self, *, grace: float | None = None) -> None:
        """Stop the process: goodbye, end of file, SIGTERM, SIGKILL, within ``grace`` seconds.

        ``grace`` is the spec's ``stop_grace`` by default; 0 kills at once. Returns when the
        process is gone, also for the second and any later caller, and even when the caller is
        cancelled meanwhile. Calls in flight that do not end in time fail with BackendDied.
        """
        await self._worker.stop(grace)

    async def wait(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        await self._worker.exited.wait()

    async def __aenter__(self) -> Backend:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.terminate()

    def __repr__(self) -> str:
        return f"<Backend {self.name!r} pid={self.pid} {_state(self._worker)}>"


def plain_params(params: Any) -> Any:
    """Return ``params`` as the wire takes them: a dict, a list or None; raises TypeError."""
    if params is None or type(params) is dict or type(params) is list:
        return params
    if isinstance(params, Mapping):
        return dict(params)
    if isinstance(params, Iterable) and not isinstance(params, str | bytes | bytearray):
        return list(params)
    raise TypeError(
        f"params must be a mapping (by name), a sequence (by position) or None, not {params!r:.80}"
    )


def guarded(handler: Callable[[Event], object]) -> Callable[[Event], None]:
    """Return ``handler`` with what it raises logged: it must not stop the reading of the wire."""

    def run(event: Event) -> None:
        try:
            handler(event)
        except Exception:
            logger.exception("a handler of event %r raised", event.topic)

    return run


async def _consume(queue: EventQueue, handler: Callable[[Event], Any]) -> None:
    async for event in queue:
        try:
            await handler(event)
        except Exception:
            logger.exception("a handler of event %r raised", event.topic)


def _state(worker: Worker) -> str:
    if worker.ended_at is not None:
        return "stopped" if worker.stopping else "failed"
    if worker.stopping:
        return "stopping"
    if worker.session.state == "starting":
        return "starting"
    return "busy" if worker.session.in_flight else "ready"
