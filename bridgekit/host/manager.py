"""The owner of all backends of a host: starts them, supervises them, stops them together."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, cast

import anyio
import attrs

from bridgekit.errors import BackendError, BackendStartError, BridgeError, CallTimeout
from bridgekit.host.arguments import checked_timeout
from bridgekit.host.changes import Changes
from bridgekit.host.exposed import Exposed
from bridgekit.host.handle import DEFAULT, Backend
from bridgekit.host.hub import Hub
from bridgekit.host.inline import INLINE, code_overdue, inline_call, inline_options, start_overdue
from bridgekit.host.instruments import Instrument, Instruments
from bridgekit.host.observed import handle_for
from bridgekit.host.planning import plan_of
from bridgekit.host.plugins import announced
from bridgekit.host.preparing import prepare
from bridgekit.host.starting import Starter
from bridgekit.policy.spec import BackendSpec, Target
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from bridgekit.host.supervising import AsyncDriver

__all__ = ["ProcessManager", "make_spec", "name_taken", "unique_name"]


class ProcessManager:
    """Runs backends: ``async with ProcessManager() as manager``, on asyncio or trio.

    ``max_processes`` bounds the processes that live at a time; where it is reached, those that
    are still to be started wait for one that ends, fairly between backends. ``instruments`` are
    told of calls and workers (:class:`~bridgekit.host.instruments.Instrument`). The other options, in seconds,
    are defaults for the backends that are spawned by target; a :class:`~bridgekit.BackendSpec`
    speaks for itself. Raises ValueError for an option that is out of its range. When
    the block is left, all children are stopped, in parallel, and none is left behind.
    """

    def __init__(
        self,
        *,
        max_processes: int = 10,
        start_timeout: float = 10.0,
        call_timeout: float | None = 30.0,
        stop_grace: float = 5.0,
        cancel_grace: float = 2.0,
        instruments: Iterable[Instrument] = (),
    ) -> None:
        if not isinstance(max_processes, int) or max_processes < 1:
            raise ValueError(
                f"max_processes={max_processes!r} is not allowed: it must be 1 or more"
            )
        self._defaults = {
            "start_timeout": start_timeout,
            "call_timeout": call_timeout,
            "stop_grace": stop_grace,
            "cancel_grace": cancel_grace,
        }
        BackendSpec("check", **self._defaults)  # type: ignore[arg-type]
        self._exposed = Exposed()
        self._backends: dict[str, Backend] = {}
        self._hub = Hub(max_processes)
        self._instruments = Instruments(instruments)
        self._handle = handle_for(self._instruments)
        if self._instruments:
            self._hub.listen(self._instruments)  # type: ignore[arg-type]
        self._tasks: TaskGroup | None = None
        self._starter: Starter | None = None
        self._closing = False

    # -- life ----------------------------------------------------------------------------------

    async def __aenter__(self) -> ProcessManager:
        if self._tasks is not None or self._closing:
            raise BridgeError("a ProcessManager can be entered once; make a new one")
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._starter = Starter(self._tasks)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._tasks is not None
        try:
            await self.close()
        finally:
            self._tasks.cancel_scope.cancel()
            # The body's exception is its own: the group would wrap it in an ExceptionGroup.
            await self._tasks.__aexit__(None, None, None)

    async def close(self) -> None:
        """Stop all backends in parallel; nothing can be spawned afterwards."""
        self._closing = True
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                for driver in tuple(self._hub.drivers):
                    group.start_soon(cast("AsyncDriver", driver).terminate, None)
        self._backends.clear()
        self._hub.close()

    @property
    def backends(self) -> Mapping[str, Backend]:
        """The backends by name: all that were spawned, but those that were terminated."""
        return MappingProxyType(self._backends)

    def changes(self) -> Changes:
        """Return the changes of state of all backends from now on, to be read one by one.

        ``async for change in manager.changes()``: each is a
        :class:`~bridgekit.policy.lifecycle.StateChange` with ``backend``, ``worker``, ``old``,
        ``new``, ``reason`` and ``at``. The iteration ends when the manager is closed. Reading
        slowly delays nothing: what a reader leaves is kept up to a bound, see ``dropped``.
        """
        return Changes(self._hub)

    # -- backends ------------------------------------------------------------------------------

    async def spawn(self, target: Target | BackendSpec, **options: Any) -> Backend:
        """Start a backend and return it when it is ready to be called.

        ``target`` is a script (``"counter.py"``, ``"counter.py:Counter"``), a class of a module
        (``"pkg.mod:Counter"``), a plugin (``"plugin:counter"``), an executable, an argument list,
        or a whole :class:`BackendSpec`; ``options`` are fields of :class:`BackendSpec`. With several
        ``workers`` it is ready when the first of them is.

        Raises BackendStartError, with exit code and the end of stderr, when it does not become
        ready within ``start_timeout``, or gets no process in that time because the manager has
        as many as it may, and ValueError for bad options. Only what has been ready once is
        started again by itself.
        """
        spec = make_spec(target, self._defaults, options)
        tasks = self._require_open()
        await prepare(spec)
        plan = plan_of(spec)
        plan = attrs.evolve(plan, name=unique_name(plan.name, spec, self._backends))
        backend = self._handle(spec, plan, self._hub, tasks, self._exposed, self)
        self._backends[plan.name] = backend
        try:
            await backend._driver.start()
            if self._closing:  # closed while we waited
                await backend._driver.terminate(None)
                self._require_open()
        except BaseException:
            self._forget(backend)
            raise
        return backend

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let all backends call ``function`` (plain or async) as ``name``; return the undo."""
        return self._exposed.add(name, function)

    async def execute(
        self,
        code: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
        **options: Any,
    ) -> Any:
        """Run ``code`` as the body of a function in a fresh process; return what it returns.

        Each of ``params`` is a variable there: its value travels as data and is never pasted
        into the text. ``await`` and ``return`` work. What it prints arrives as ``$/output``
        events and log records. ``timeout`` covers the start of the process too; when it is
        over, the process is killed. ``options`` are fields of :class:`BackendSpec` (``python``,
        ``env``, ``cwd``, ...).

        Raises RemoteError with a traceback that shows the lines of ``code``, CallTimeout,
        BackendStartError, BackendDied, or ValueError for a parameter name that is no identifier.
        """
        request = inline_call(code, params)
        seconds = self._defaults["call_timeout"] if timeout is DEFAULT else timeout
        seconds = checked_timeout(seconds)
        deadline = anyio.current_time() + (float("inf") if seconds is None else seconds)
        options = inline_options(options, seconds, self._defaults["start_timeout"])
        options.setdefault("restart", "never")
        try:
            backend = await self.spawn(INLINE, **options)
        except BackendStartError as error:
            overdue = start_overdue(error, seconds, deadline - anyio.current_time())
            if overdue is None:
                raise
            raise overdue from error
        grace: float | None = 0.0
        try:
            left = None if seconds is None else max(0.0, deadline - anyio.current_time())
            result = await backend.call("execute", request, timeout=left, on_event=on_event)
            grace = None
            return result
        except CallTimeout:
            raise code_overdue(seconds, backend.name) from None
        finally:
            await backend.terminate(grace=grace)

    # -- inside --------------------------------------------------------------------------------

    def _require_open(self) -> Starter:
        if self._starter is None:
            raise BridgeError("use the manager as a context: async with ProcessManager() as ...")
        if self._closing:
            raise BackendError("the manager is closed: no backend can be started")
        return self._starter

    def _forget(self, backend: Backend) -> None:
        """Take ``backend``, which was terminated, off the list."""
        if self._backends.get(backend.name) is backend:
            del self._backends[backend.name]

    def _readmit(self, backend: Backend) -> None:
        """Put ``backend`` on the list again; raises BackendError when its name is taken."""
        self._require_open()
        if self._backends.setdefault(backend.name, backend) is not backend:
            raise name_taken(backend.name)

    def __repr__(self) -> str:
        budget = self._hub.budget
        state = "closed" if self._closing else f"{budget.used} of {budget.limit}"
        return f"<ProcessManager {state} pid={os.getpid()}>"


def make_spec(
    target: Target | BackendSpec, defaults: Mapping[str, Any], options: Mapping[str, Any]
) -> BackendSpec:
    """Return the spec that a target, a manager's defaults and a caller's options make together.

    A spec given as the target speaks for itself: ``options`` change it, ``defaults`` do not.
    """
    target = announced(target, defaults, options.get("cwd"))
    try:
        if isinstance(target, BackendSpec):
            return attrs.evolve(target, **options) if options else target
        return BackendSpec(target, **{**defaults, **options})
    except TypeError as error:
        known = {field.name for field in attrs.fields(BackendSpec)}
        unknown = sorted(set(options) - known)
        if not unknown:
            raise
        raise TypeError(
            f"{unknown[0]!r} is no option of a backend; there are {', '.join(sorted(known))}"
        ) from error


def unique_name(name: str, spec: BackendSpec, taken: Container[str]) -> str:
    """Return ``name``, with a number where it is ``taken`` and nobody insists on it."""
    if name not in taken:
        return name
    if spec.name is not None and spec.name != "execute":
        raise ValueError(f"name={name!r} is not allowed: a backend of that name runs already")
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def name_taken(name: str) -> BackendError:
    """Return the error of a backend that cannot come back under its name."""
    return BackendError(
        f"another backend is called {name!r} now; terminate that one first", backend=name
    )
