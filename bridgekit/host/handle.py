"""A backend as its host's code sees it: call it, stream from it, listen to it, stop it.

The handle outlives the processes that run the backend: which of them serves a call, and when
one is started, restarted or stopped, is decided by its driver.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bridgekit.errors import BackendError, CallTimeout
from bridgekit.host.arguments import (
    checked_grace,
    checked_handler,
    checked_items,
    checked_method,
    checked_priority,
    checked_timeout,
)
from bridgekit.host.batching import call_many
from bridgekit.host.channels.writing import HIGH_WATER
from bridgekit.host.exposed import Exposed
from bridgekit.host.hearing import Hearing
from bridgekit.host.proxy import Proxy, typed_proxy
from bridgekit.host.stream import Stream
from bridgekit.host.supervising import AsyncDriver
from bridgekit.policy.status import BackendStatus
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.host.hub import Hub
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.host.starting import Starter
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Backend"]

T = TypeVar("T")

_NUMBERS = (float, int)
_ORDINARY = 1e9
"""Seconds below which a timeout needs no second look."""
_monotonic = time.monotonic

logger = logging.getLogger("bridgekit")


class _Default:
    """Stands for "as the spec says" where None means "no limit"."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Any = _Default()


class Keeper(Protocol):
    """What a handle asks of its manager."""

    def _forget(self, backend: Backend) -> None:
        """It was terminated."""

    def _readmit(self, backend: Backend) -> None:
        """It is to be started again; raises BackendError when that cannot be."""


class _Answered:
    """Stands for a call that was answered on the spot."""

    id = error = None


_ANSWERED: Any = _Answered()


class Backend(Hearing):
    """A supervised backend. Made by :meth:`ProcessManager.spawn`; all methods may run at once.

    Its processes come and go as its spec says; the handle stays. Every call ends exactly once:
    with its result, a :class:`~bridgekit.RemoteError` (or one of its kin),
    :class:`~bridgekit.CallTimeout`, cancellation, or :class:`~bridgekit.BackendDied`.
    """

    def __init__(
        self,
        spec: BackendSpec,
        plan: LaunchPlan,
        hub: Hub,
        tasks: Starter,
        exposed: Exposed,
        manager: Keeper,
    ) -> None:
        self.spec = spec
        self.name = plan.name
        super().__init__(tasks, Exposed(exposed))
        self._manager = manager
        self._call_timeout = spec.call_timeout
        self._driver = AsyncDriver(plan, spec, hub, tasks, self._router, self._exposed)
        self._driver.over = self._end_queues
        self._pool = self._driver.pool
        self._take = self._pool.take
        self._done = self._pool.done
        self._supervisor = self._driver.supervisor
        self._record = self._supervisor.latency.record
        self.proxy = Proxy(self)
        """``await backend.proxy.add(a=1, b=2)`` for ``await backend.call("add", ...)``."""

    # -- calls ---------------------------------------------------------------------------------

    async def call(  # noqa: C901 - one frame for the path of every call
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
        the call's events while it runs: ``$/progress``, ``$/log``, ``$/output`` and those that
        the method sends. The result of a generator method is the list of its items. Cancelling
        the awaiting task cancels the call in the backend.

        Where all workers have as many calls as they may, the call waits; one with a higher
        ``priority`` goes first. An ``idempotent`` call, or one of a method that its author has
        declared so (``@expose(idempotent=True)``), is sent once more, to another worker, when
        the one that had it dies.

        Raises RemoteError, MethodNotFound, InvalidParams, CallTimeout, QueueFull, BackendDied,
        RestartLimitReached, BackendError, EncodeError.
        """
        if timeout is DEFAULT:
            timeout = self._call_timeout
        elif timeout.__class__ not in _NUMBERS or not 0.0 <= timeout < _ORDINARY:
            timeout = checked_timeout(timeout)
        if method.__class__ is not str or not method:
            method = checked_method(method)
        if params is not None and type(params) is not dict:
            params = plain_params(params)
        if on_event is not None:
            on_event = guarded(on_event)
        if priority.__class__ is not int:
            priority = checked_priority(priority)
        driver = self._driver
        if idempotent or method in driver.idempotent:
            return await self._in_turn(method, params, timeout, on_event, True, priority)
        started = _monotonic()
        worker = self._take(started)
        supervisor = self._supervisor
        if supervisor.wake_at < driver.wake_at or supervisor.outbox:
            driver.sync()
        if worker is None:
            return await self._in_turn(method, params, timeout, on_event, False, priority)
        channel = worker.handle.channel
        call = None
        try:
            if channel.backlog > HIGH_WATER:
                await channel.wait_writable(method, timeout)
            if channel.pending:
                call = channel.submit(method, params, timeout, on_event)
            else:
                outcome = channel.lone(method, params, timeout, on_event)
                if outcome.__class__ is tuple:
                    call = _ANSWERED
                    if channel.checkpoint is not None:
                        await channel.checkpoint()
                    return outcome[0]
                call = outcome
            await call
        finally:
            # As Driver.left, spelled out: this is the path of every call.
            now = _monotonic()
            self._record(now - started)
            if call is None or call.id in channel.session.abandoned or channel.closed:
                driver.left(worker, call)
            else:
                follow = self._done(worker, now)
                if follow is not None:
                    driver.send(worker, follow.call)
                if driver.samples:
                    driver.sample(now)
                if supervisor.wake_at < driver.wake_at or supervisor.outbox:
                    driver.sync()
        if call.error is not None:
            raise call.take_error()
        return call.value

    async def _in_turn(
        self,
        method: str,
        params: Any,
        timeout: float | None,
        on_event: Callable[[Event], object] | None,
        idempotent: bool,
        priority: int,
    ) -> Any:
        """As :meth:`call`, for one that may have to wait or to be sent again."""
        driver = self._driver
        if method.startswith("$/"):
            return await driver.ask(method, params, timeout, on_event)
        started = _monotonic()
        entry = driver.entry(
            method, params, timeout, on_event=on_event, idempotent=idempotent, priority=priority
        )
        if idempotent:
            driver.admit(entry)
        else:
            driver.enqueue(entry)
        try:
            return await driver.outcome(entry)
        finally:
            self._record(_monotonic() - started)

    async def call_many(
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
        params = [
            item if type(item) is dict else plain_params(item) for item in checked_items(items)
        ]
        try:
            place = await self._driver.place(method, timeout)
        except (BackendError, CallTimeout) as error:
            if not return_exceptions:
                raise
            return [error for _ in params]
        try:
            return await call_many(place.channel, method, params, timeout, return_exceptions)
        finally:
            place.leave()

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

        ``cls`` is usually a Protocol, or any class, with an ``async def`` (or async generator,
        for streams) for each method. Raises MethodNotFound when the backend lacks one of them.
        """
        return typed_proxy(self, cls)

    # -- life ----------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        return self._driver.ended_for_good

    @property
    def status(self) -> BackendStatus:
        """A frozen snapshot of this moment, for all workers together."""
        return self._driver.status(dropped_events=self._dropped_events)

    @property
    def statuses(self) -> tuple[BackendStatus, ...]:
        """A frozen snapshot of each worker, in the order of their numbers."""
        return self._driver.statuses()

    @property
    def pid(self) -> int:
        """The process id of its first worker, or of the last one that there was."""
        for process in self._driver.processes:
            return process.child.pid  # type: ignore[no-any-return]
        return self._driver.last_pid

    async def restart(self) -> None:
        """Replace every process by a new one, without a failed call; start what is not up.

        Works on a backend that was stopped or has failed, too: its history of deaths is
        forgotten then. Raises BackendError when the new processes do not get ready (the old ones
        stay at work where they can), or when the backend is paused.
        """
        self._manager._readmit(self)
        await self._driver.restart()

    async def pause(self, *, freeze: bool = True) -> None:
        """Give the workers no more calls; new ones wait in the queue, and their time runs on.

        With ``freeze`` the processes are stopped where they stand (SIGSTOP) with the calls that
        they have; without, those calls go on to their end.
        """
        self._driver.pause(freeze)

    async def resume(self) -> None:
        """Go on after :meth:`pause`, beginning with the calls that wait."""
        self._driver.resume()

    async def terminate(self, *, grace: float | None = None) -> None:
        """Stop its processes: goodbye, end of file, SIGTERM, SIGKILL, within ``grace`` seconds.

        ``grace`` is the spec's ``stop_grace`` by default; 0 kills at once. Returns when the
        processes are gone, also for the second and any later caller, and even when the caller is
        cancelled meanwhile. Calls that wait are refused, and calls in flight that do not end in
        time fail with BackendDied. Only :meth:`restart` starts it again.
        """
        await self._driver.terminate(checked_grace(grace))
        self._manager._forget(self)

    async def wait(self) -> None:
        """Wait until it has ended for good: stopped, or ended without being started again."""
        await self._driver.until(lambda: self._driver.ended_for_good)

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
        return f"<Backend {self.name!r} pid={self.pid} {self.status.state}>"


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
    checked_handler(handler, "on_event")

    def run(event: Event) -> None:
        try:
            handler(event)
        except Exception:
            logger.exception("a handler of event %r raised", event.topic)

    return run
