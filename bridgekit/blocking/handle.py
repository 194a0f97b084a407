"""A live backend as blocking code sees it: call it, stream from it, listen to it, stop it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from bridgekit.blocking.callbacks import Callbacks
from bridgekit.blocking.events import EventQueue, Listening
from bridgekit.blocking.lone import lone_caller
from bridgekit.blocking.many import call_many
from bridgekit.blocking.proxy import typed_proxy
from bridgekit.blocking.stream import Stream
from bridgekit.host.arguments import checked_method, checked_timeout
from bridgekit.host.events import MAX_BYTES, MAX_EVENTS, Drop, Router
from bridgekit.host.exposed import Exposed
from bridgekit.host.facts import lone_status
from bridgekit.host.handle import DEFAULT, guarded, plain_params
from bridgekit.host.proxy import Proxy
from bridgekit.policy.status import BackendStatus
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.worker import Worker
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Backend"]

T = TypeVar("T")


class Backend:
    """A backend process. Made by :meth:`ProcessManager.spawn`; usable from any thread.

    Every call ends exactly once: with its result, a :class:`~bridgekit.RemoteError` (or one of
    its kin), :class:`~bridgekit.CallTimeout`, or :class:`~bridgekit.BackendDied`; a
    KeyboardInterrupt in a waiting call cancels it in the backend.
    """

    def __init__(self, spec: BackendSpec, name: str, exposed: Exposed) -> None:
        self.spec = spec
        self.name = name
        self._router = Router()
        self._callbacks = Callbacks(name)
        self._exposed = Exposed(exposed)
        self._queues: list[EventQueue] = []
        self._dropped_before = 0
        self._call_timeout = spec.call_timeout
        self._worker: Worker
        self.proxy = Proxy(self)  # type: ignore[arg-type]
        """``backend.proxy.add(a=1, b=2)`` for ``backend.call("add", {"a": 1, "b": 2})``."""

    def _attach(self, worker: Worker) -> None:
        self._worker = worker
        # The same call with everything at hand; a bound method would cost a frame more.
        self.__dict__["call"] = lone_caller(worker.channel, self.call, self._call_timeout)

    # -- calls ---------------------------------------------------------------------------------

    def call(
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
        the call's events while it runs, in the calling thread: ``$/progress``, ``$/log``,
        ``$/output`` and those that the method sends. The result of a generator method is the
        list of its items. A KeyboardInterrupt cancels the call in the backend.

        Raises RemoteError, MethodNotFound, InvalidParams, CallTimeout, BackendDied, EncodeError.
        """
        method = checked_method(method)
        timeout = self._call_timeout if timeout is DEFAULT else checked_timeout(timeout)
        if timeout == math.inf:
            timeout = None
        if params is not None and type(params) is not dict:
            params = plain_params(params)
        run = None if on_event is None else guarded(on_event)
        return self._worker.channel.call(method, params, timeout, run)

    def call_many(
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
        method = checked_method(method)
        timeout = self._call_timeout if timeout is DEFAULT else checked_timeout(timeout)
        if timeout == math.inf:
            timeout = None
        params = [item if type(item) is dict else plain_params(item) for item in items]
        return call_many(self._worker.channel, method, params, timeout, return_exceptions)

    def stream(
        self,
        method: str,
        params: Mapping[str, Any] | Iterable[Any] | None = None,
        *,
        timeout: float | None = None,
        item_timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
    ) -> Stream[Any]:
        """Iterate over what a generator method yields: ``for row in backend.stream(...)``.

        ``timeout`` limits the whole stream (by default nothing does), ``item_timeout`` the wait
        for each item (by default the spec's ``call_timeout``). Leaving the loop early cancels
        the call in the backend, which never runs far ahead of the consumer.
        """
        method, timeout = checked_method(method), checked_timeout(timeout)
        if item_timeout is DEFAULT:
            item_timeout = self._call_timeout
        item_timeout = checked_timeout(item_timeout, "item_timeout")
        if on_event is not None:
            on_event = guarded(on_event)
        channel = self._worker.channel
        return Stream(channel, method, plain_params(params), timeout, item_timeout, on_event)

    def proxy_as(self, cls: Callable[..., T]) -> T:
        """Return a proxy that type checkers take for a ``cls``.

        ``cls`` is usually a Protocol, or any class, with a method (or a generator, for streams)
        for each method. Raises MethodNotFound when the backend lacks one of them.
        """
        return typed_proxy(self, cls)

    # -- events --------------------------------------------------------------------------------

    def on(self, topic: str, handler: Callable[[Event], object]) -> Callable[[], None]:
        """Call ``handler(event)`` for each event whose topic matches; return what ends that.

        In ``topic`` a ``*`` stands for any characters; bridgekit's own ``$/...`` topics match
        only patterns that start with ``$``. Handlers of a backend run one after the other in a
        thread of their own, behind a bounded queue: they may block, and may call the backend.
        What a handler raises is logged.
        """
        with self._worker.channel.lock:
            put, put_many = self._callbacks.handler(handler)
            return self._router.add(topic, queue=put, queue_many=put_many)

    def events(
        self,
        topic: str = "*",
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        drop: Drop = "oldest",
    ) -> Listening:
        """Receive events in ``with backend.events("train.*") as queue``.

        The queue is bounded; what a slow reader has no room for is dropped, the ``oldest`` or
        the ``newest`` first, and counted in ``queue.dropped`` and ``status.dropped_events``.
        """
        queue = EventQueue(self._worker.channel, max_events, max_bytes, drop)
        return Listening(lambda queue: self._listen(topic, queue), queue)

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let this backend call ``function`` as ``name``; return the undo.

        Each call runs in a thread of its own.
        """
        return self._exposed.add(name, function)

    def _listen(self, topic: str, queue: EventQueue) -> Callable[[], None]:
        lock = self._worker.channel.lock
        with lock:
            remove_target = self._router.add(topic, queue=queue.put, queue_many=queue.put_many)
            self._queues.append(queue)
            if self._worker.exited.is_set():
                queue.end()

        def remove() -> None:
            with lock:
                remove_target()
                if queue in self._queues:
                    self._queues.remove(queue)
                    self._dropped_before += queue.dropped
                queue.end()

        return remove

    @property
    def _dropped(self) -> int:
        """Events that handlers, or queues that are gone, had no room for."""
        return self._dropped_before + self._callbacks.dropped

    def _on_exit(self) -> None:
        with self._worker.channel.lock:
            for queue in self._queues:
                queue.end()
        self._callbacks.finish()

    # -- life ----------------------------------------------------------------------------------

    @property
    def status(self) -> BackendStatus:
        """A frozen snapshot of this moment."""
        dropped = self._dropped + sum(queue.dropped for queue in self._queues)
        return lone_status(self.name, self._worker, dropped)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._worker.child.pid

    def terminate(self, *, grace: float | None = None) -> None:
        """Stop the process: goodbye, end of file, SIGTERM, SIGKILL, within ``grace`` seconds.

        ``grace`` is the spec's ``stop_grace`` by default; 0 kills at once. Returns when the
        process is gone, also for the second and any later caller. Calls in flight that do not
        end in time fail with BackendDied. A KeyboardInterrupt meanwhile kills the process.
        """
        self._worker.stop(grace)
        self._callbacks.join()

    def wait(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        self._worker.exited.wait()

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.terminate()

    def __repr__(self) -> str:
        return f"<Backend {self.name!r} pid={self.pid} {self.status.state}>"
