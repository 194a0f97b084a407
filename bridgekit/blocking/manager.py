"""The owner of all backends of a blocking host: starts them, keeps count, stops them together."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, cast

import attrs

from bridgekit.blocking.handle import Backend
from bridgekit.blocking.hub import Changes, SharedHub
from bridgekit.blocking.observed import handle_for
from bridgekit.errors import BackendError, BackendStartError, CallTimeout
from bridgekit.host.arguments import checked_timeout
from bridgekit.host.exposed import Exposed
from bridgekit.host.handle import DEFAULT
from bridgekit.host.inline import INLINE, code_overdue, inline_call, inline_options, start_overdue
from bridgekit.host.instruments import Instrument, Instruments
from bridgekit.host.manager import make_spec, name_taken, unique_name
from bridgekit.host.planning import plan_of
from bridgekit.host.scripts import script_python, unprepared_script
from bridgekit.policy.spec import BackendSpec
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.driving import BlockingDriver
    from bridgekit.policy.spec import Target

__all__ = ["ProcessManager"]

_AT_EXIT = 2.0
"""Seconds of grace at the end of the interpreter for backends that nobody stopped."""


class ProcessManager:
    """Runs backends from plain code: ``with ProcessManager() as manager``. Any thread may use it.

    ``max_processes`` bounds the processes that live at a time; where it is reached, those that
    are still to be started wait for one that ends, fairly between backends. ``instruments`` are
    told of calls and workers (:class:`~bridgekit.host.instruments.Instrument`). The other options, in seconds,
    are defaults for the backends that are spawned by target; a :class:`~bridgekit.BackendSpec`
    speaks for itself. Raises ValueError for an option that is out of its range. When
    the block is left, or :meth:`close` is called, or the interpreter ends, all children are
    stopped, in parallel, and none is left behind.
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
        self._hub = SharedHub(max_processes)
        self._instruments = Instruments(instruments)
        self._handle = handle_for(self._instruments)
        if self._instruments:
            self._hub.listen(self._instruments)  # type: ignore[arg-type]
        self._closing = False

    # -- life ----------------------------------------------------------------------------------

    def __enter__(self) -> ProcessManager:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all backends in parallel; nothing can be spawned afterwards."""
        self._close(None)

    def _close(self, grace: float | None) -> None:
        self._closing = True
        backends = list(self.backends.values())
        drivers = [cast("BlockingDriver", driver) for driver in tuple(self._hub.drivers)]
        try:
            going = [(driver, driver.begin_stop(grace)) for driver in drivers]
            for driver, processes in going:
                driver.await_end(processes)
        except BaseException:
            for driver in drivers:
                driver.kill_all()
            raise
        with self._hub.lock:
            self._backends.clear()
        self._hub.run(self._hub.close)
        _unclosed.discard(self)
        for backend in backends:
            backend._hearing.join()

    @property
    def backends(self) -> Mapping[str, Backend]:
        """The backends by name: all that were spawned, but those that were terminated."""
        with self._hub.lock:
            return MappingProxyType(dict(self._backends))

    def changes(self) -> Changes:
        """Return the changes of state of all backends from now on, to be read one by one.

        ``for change in manager.changes()``: each is a
        :class:`~bridgekit.policy.lifecycle.StateChange` with ``backend``, ``worker``, ``old``,
        ``new``, ``reason`` and ``at``. The iteration ends when the manager is closed. Reading
        slowly delays nothing: what a reader leaves is kept up to a bound, see ``dropped``.
        """
        return Changes(self._hub)

    # -- backends ------------------------------------------------------------------------------

    def spawn(self, target: Target | BackendSpec, **options: Any) -> Backend:
        """Start a backend and return it when it is ready to be called.

        ``target`` is a script (``"counter.py"``, ``"counter.py:Counter"``), a class of a module
        (``"pkg.mod:Counter"``), a plugin (``"plugin:counter"``), an executable, an argument list,
        or a whole :class:`BackendSpec`; ``options`` are fields of :class:`BackendSpec`.

        With several ``workers`` it is ready when the first of them is.

        Raises BackendStartError, with exit code and the end of stderr, when it does not become
        ready within ``start_timeout``, or gets no process in that time because the manager has
        as many as it may, and ValueError for bad options. Only what has been ready once is
        started again by itself.
        """
        spec = make_spec(target, self._defaults, options)
        self._require_open()
        script = unprepared_script(spec.target, spec.python, spec.cwd)
        if script is not None:
            script_python(script)
        plan = plan_of(spec)
        with self._hub.lock:
            self._require_open()
            plan = attrs.evolve(plan, name=unique_name(plan.name, spec, self._backends))
            backend = self._handle(spec, plan, self._hub, self._exposed, self)
            self._backends[plan.name] = backend
        try:
            _unclosed.add(self)
            backend._driver.start()
            if self._closing:  # closed while we waited
                backend._driver.terminate(None)
                self._require_open()
        except BaseException:
            self._forget(backend)
            raise
        return backend

    def expose(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let all backends call ``function`` as ``name``; return the undo."""
        return self._exposed.add(name, function)

    def execute(
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
        started = time.monotonic()
        options = inline_options(options, seconds, self._defaults["start_timeout"])
        options.setdefault("restart", "never")
        try:
            backend = self.spawn(INLINE, **options)
        except BackendStartError as error:
            remaining = started + (seconds or 0.0) - time.monotonic()
            overdue = start_overdue(error, seconds, remaining)
            if overdue is None:
                raise
            raise overdue from error
        grace: float | None = 0.0
        try:
            left = None if seconds is None else max(0.0, started + seconds - time.monotonic())
            result = backend.call("execute", request, timeout=left, on_event=on_event)
            grace = None
            return result
        except CallTimeout:
            raise code_overdue(seconds, backend.name) from None
        finally:
            backend.terminate(grace=grace)

    # -- inside --------------------------------------------------------------------------------

    def _require_open(self) -> None:
        if self._closing:
            raise BackendError("the manager is closed: no backend can be started")

    def _forget(self, backend: Backend) -> None:
        """Take ``backend``, which was terminated, off the list."""
        with self._hub.lock:
            if self._backends.get(backend.name) is backend:
                del self._backends[backend.name]

    def _readmit(self, backend: Backend) -> None:
        """Put ``backend`` on the list again; raises BackendError when its name is taken."""
        self._require_open()
        with self._hub.lock:
            other = self._backends.setdefault(backend.name, backend)
        if other is not backend:
            raise name_taken(backend.name)

    def __repr__(self) -> str:
        budget = self._hub.budget
        state = "closed" if self._closing else f"{budget.used} of {budget.limit}"
        return f"<ProcessManager {state} pid={os.getpid()}>"


_unclosed: set[ProcessManager] = set()
"""Managers that have had children; kept so that the end of the interpreter finds them."""


@atexit.register
def _close_at_exit() -> None:
    for manager in tuple(_unclosed):
        manager._close(_AT_EXIT)
