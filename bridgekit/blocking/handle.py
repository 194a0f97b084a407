"""A backend as blocking code sees it: call it, stream from it, listen to it, stop it.

The handle outlives the processes that run the backend: which of them serves a call, and when
one is started, restarted or stopped, is decided by its driver.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Iterable, Mapping
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bridgekit.blocking.calls import LoneCall, finish
from bridgekit.blocking.driving import BlockingDriver
from bridgekit.blocking.entries import leave_all
from bridgekit.blocking.events import Listening
from bridgekit.blocking.hearing import Hearing
from bridgekit.blocking.lone import lone_caller
from bridgekit.blocking.many import call_many
from bridgekit.blocking.proxy import typed_proxy
from bridgekit.blocking.stream import Stream
from bridgekit.blocking.visit import Visit
from bridgekit.errors import BackendError, CallTimeout
from bridgekit.host.arguments import (
    checked_grace,
    checked_handler,
    checked_items,
    checked_method,
    checked_priority,
    checked_timeout,
)
from bridgekit.host.events import MAX_BYTES, MAX_EVENTS, Drop
from bridgekit.host.exposed import Exposed
from bridgekit.host.handle import DEFAULT, guarded, plain_params
from bridgekit.host.places import Place
from bridgekit.host.proxy import Proxy
from bridgekit.policy.status import BackendStatus
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.hub import SharedHub
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Backend"]

T = TypeVar("T")

_monotonic = time.monotonic


class Keeper(Protocol):
    """What a handle asks of its manager."""

    def _forget(self, backend: Backend) -> None:
        """It was terminated."""

    def _readmit(self, backend: Backend) -> None:
        """It is to be started again; raises BackendError when that cannot be."""


class Backend:
    """A supervised backend. Made by :meth:`ProcessManager.spawn`; usable from any thread.

    Its processes come and go as its spec says; the handle stays. Every call ends exactly once:
    with its result, a :class:`~bridgekit.RemoteError` (or one of its kin),
    :class:`~bridgekit.CallTimeout`, or :class:`~bridgekit.BackendDied`; a KeyboardInterrupt in
    a waiting call cancels it in the backend.
    """

    def __init__(
        self,
        spec: BackendSpec,
        plan: LaunchPlan,
        hub: SharedHub,
        exposed: Exposed,
        manager: Keeper,
    ) -> None:
        self.spec = spec
        self.name = plan.name
        self._manager = manager
        self._hearing = Hearing(plan.name, Exposed(exposed))
        self._call_timeout = spec.call_timeout
        self._driver = BlockingDriver(plan, spec, hub, self._hearing, self._opened)
        self._lane = self._driver.lane
        self._record = self._driver.supervisor.latency.record
        self.proxy = Proxy(self)  # type: ignore[arg-type]
        """``backend.proxy.add(a=1, b=2)`` for ``backend.call("add", {"a": 1, "b": 2})``."""

    def _opened(self, channel: Channel) -> None:
        # The same call with everything at hand; a bound method would cost a frame more.
        long_way = Backend.call.__get__(self)
        lone = lone_caller(
            channel,
            long_way,
            self._call_timeout,
            self._record,
            self.spec.idle_timeout is not None,
        )
        marked = self._driver.idempotent
        self.__dict__["call"] = sparing(lone, long_way, marked) if marked else lone

    # -- calls ---------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        params: Mapping[str, Any] | Iterable[Any] | None = None,
        *,
        timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
        idempotent: bool = False,
        priority: int = 0,
    ) -> Any:
        """Call ``method`` and return its result.

        ``params`` is a mapping (by name) or a sequence (by position). ``timeout`` is the total
        in seconds, None for no limit, by default the spec's ``call_timeout``. ``on_event`` gets
        the call's events while it runs, in the calling thread: ``$/progress``, ``$/log``,
        ``$/output`` and those that the method sends. The result of a generator method is the
        list of its items. A KeyboardInterrupt cancels the call in the backend.

        Where all workers have as many calls as they may, the call waits; one with a higher
        ``priority`` goes first. An ``idempotent`` call, or one of a method that its author has
        declared so (``@expose(idempotent=True)``), is sent once more, to another worker, when
        the one that had it dies.

        Raises RemoteError, MethodNotFound, InvalidParams, CallTimeout, QueueFull, BackendDied,
        RestartLimitReached, BackendError, EncodeError.
        """
        method = checked_method(method)
        timeout = self._call_timeout if timeout is DEFAULT else checked_timeout(timeout)
        if timeout == math.inf:
            timeout = None
        if params is not None and type(params) is not dict:
            params = plain_params(params)
        if priority.__class__ is not int:
            priority = checked_priority(priority)
        driver = self._driver
        idempotent = idempotent or method in driver.idempotent
        if method.startswith("$/"):
            run = None if on_event is None else guarded(on_event)
            return driver.ask(method, params, timeout, run)
        started = _monotonic()
        try:
            if on_event is None and not idempotent:
                channel = self._lane.channel
                if channel is not None and not channel.gate and not channel.lead:
                    deadline = math.inf if timeout is None else started + timeout
                    call = LoneCall(method, params, timeout, deadline)
                    if channel.call_alone(call):
                        return finish(call)
            run = None if on_event is None else guarded(on_event)
            return driver.call(method, params, timeout, run, idempotent, priority)
        finally:
            self._record(_monotonic() - started)

    def call_many(
        self,
        method: str,
        items: Iterable[Mapping[str, Any] | Iterable[Any] | None],
        *,
        timeout: float | None = DEFAULT,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Call ``method`` once for each of ``items``, in order; return the results in order.

        Much cheaper than as many calls, because many travel in one frame. All go to one worker,
        where they count as one call. ``timeout`` is what each call may take. The first failure
        cancels the rest and is raised (with a note that tells which item it was); with
        ``return_exceptions`` failures stand in the list instead.
        """
        method = checked_method(method)
        timeout = self._call_timeout if timeout is DEFAULT else checked_timeout(timeout)
        if timeout == math.inf:
            timeout = None
        params = [
            item if type(item) is dict else plain_params(item) for item in checked_items(items)
        ]
        places: list[Place] = []
        driver, channel = self._driver, self._lane.channel
        try:
            if channel is not None and not channel.gate:
                places.append(Visit(driver, channel, method))
                if not places[0].enter():  # type: ignore[attr-defined]
                    places.clear()
            if not places:
                driver.place(method, timeout, places)
            place = places[0]
            results = call_many(place.channel, method, params, timeout, return_exceptions)
            place.leave()
        except BaseException as error:
            placed = bool(places)
            while True:
                try:
                    leave_all(places)
                    break
                except KeyboardInterrupt:  # before it had begun
                    continue
            if return_exceptions and not placed and isinstance(error, BackendError | CallTimeout):
                return [error for _ in params]
            raise
        return results

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
        return Stream(
            self._driver.place, method, plain_params(params), timeout, item_timeout, on_event
        )

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
        return self._hearing.on(topic, checked_handler(handler, "handler"))

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
        return self._hearing.listening(topic, max_events, max_bytes, drop)

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let this backend call ``function`` as ``name``; return the undo.

        Each call runs in a thread of its own.
        """
        return self._hearing.expose(name, function)

    # -- life ----------------------------------------------------------------------------------

    @property
    def status(self) -> BackendStatus:
        """A frozen snapshot of this moment, for all workers together."""
        return self._driver.status(dropped_events=self._hearing.dropped)

    @property
    def statuses(self) -> tuple[BackendStatus, ...]:
        """A frozen snapshot of each worker, in the order of their numbers."""
        return self._driver.statuses()

    @property
    def pid(self) -> int:
        """The process id of its first worker, or of the last one that there was."""
        for process in tuple(self._driver.processes):
            return process.child.pid  # type: ignore[no-any-return]
        return self._driver.last_pid

    def restart(self) -> None:
        """Replace every process by a new one, without a failed call; start what is not up.

        Works on a backend that was stopped or has failed, too: its history of deaths is
        forgotten then. Raises BackendError when the new processes do not get ready (the old ones
        stay at work where they can), or when the backend is paused.
        """
        self._manager._readmit(self)
        self._driver.restart()

    def pause(self, *, freeze: bool = True) -> None:
        """Give the workers no more calls; new ones wait in the queue, and their time runs on.

        With ``freeze`` the processes are stopped where they stand (SIGSTOP) with the calls that
        they have; without, those calls go on to their end.
        """
        self._driver.run(lambda: self._driver.pause(freeze))

    def resume(self) -> None:
        """Go on after :meth:`pause`, beginning with the calls that wait."""
        self._driver.run(self._driver.resume)

    def terminate(self, *, grace: float | None = None) -> None:
        """Stop its processes: goodbye, end of file, SIGTERM, SIGKILL, within ``grace`` seconds.

        ``grace`` is the spec's ``stop_grace`` by default; 0 kills at once. Returns when the
        processes are gone, also for the second and any later caller. Calls that wait are
        refused, and calls in flight that do not end in time fail with BackendDied. A
        KeyboardInterrupt meanwhile kills the processes. Only :meth:`restart` starts it again.
        """
        self._driver.terminate(checked_grace(grace))
        self._manager._forget(self)
        self._hearing.join()

    def wait(self) -> None:
        """Wait until it has ended for good: stopped, or ended without being started again."""
        self._driver.until(lambda: self._driver.ended_for_good)

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


def sparing(
    lone: Callable[..., Any], long_way: Callable[..., Any], methods: Container[str]
) -> Callable[..., Any]:
    """Return ``lone`` for all calls but those of ``methods``, which may have to be sent again."""

    @wraps(lone)
    def call(method: str, *arguments: Any, **options: Any) -> Any:
        if type(method) is str and method in methods:
            return long_way(method, *arguments, **options)
        return lone(method, *arguments, **options)

    return call
