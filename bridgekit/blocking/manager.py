"""The owner of all backends of a blocking host: starts them, keeps count, stops them together."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

import attrs

from bridgekit.blocking.handle import Backend
from bridgekit.blocking.observed import handle_for
from bridgekit.blocking.stopping import stop_all
from bridgekit.blocking.worker import Worker
from bridgekit.errors import BackendError, BackendStartError, CallTimeout
from bridgekit.host import launchers
from bridgekit.host.arguments import checked_timeout
from bridgekit.host.exposed import Exposed
from bridgekit.host.handle import DEFAULT
from bridgekit.host.inline import INLINE, code_overdue, inline_call, inline_options
from bridgekit.host.instruments import Instrument, Instruments
from bridgekit.host.manager import make_spec
from bridgekit.policy.spec import BackendSpec
from bridgekit.policy.supervised import require_one_process
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.policy.spec import Target

__all__ = ["ProcessManager"]

_AT_EXIT = 2.0
"""Seconds of grace at the end of the interpreter for backends that nobody stopped."""


class ProcessManager:
    """Runs backends from plain code: ``with ProcessManager() as manager``. Any thread may use it.

    ``max_processes`` bounds the processes that live at a time. ``instruments`` are told of calls
    and workers (:class:`~bridgekit.host.instruments.Instrument`). The other options, in seconds,
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
        self._max_processes = max_processes
        self._defaults = {
            "start_timeout": start_timeout,
            "call_timeout": call_timeout,
            "stop_grace": stop_grace,
            "cancel_grace": cancel_grace,
        }
        make_spec("check.py", self._defaults, {})
        self._instruments = Instruments(instruments)
        self._handle = handle_for(self._instruments)
        self._exposed = Exposed()
        self._lock = threading.Lock()
        self._backends: dict[str, Backend | None] = {}
        self._workers: set[Worker] = set()
        self._starting = 0
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
        with self._lock:
            self._closing = True
            workers = tuple(self._workers)
        backends = list(self.backends.values())
        stop_all(workers, grace)
        for backend in backends:
            backend._callbacks.join()
        if not self._workers:
            _unclosed.discard(self)

    @property
    def backends(self) -> Mapping[str, Backend]:
        """The backends whose processes live, by name."""
        with self._lock:
            return MappingProxyType(
                {name: backend for name, backend in self._backends.items() if backend is not None}
            )

    # -- backends ------------------------------------------------------------------------------

    def spawn(self, target: Target | BackendSpec, **options: Any) -> Backend:
        """Start a backend and return it when it is ready to be called.

        ``target`` is a script (``"counter.py"``, ``"counter.py:Counter"``), a class of a module
        (``"pkg.mod:Counter"``), a plugin (``"plugin:counter"``), an executable, an argument list,
        or a whole :class:`BackendSpec`; ``options`` are fields of :class:`BackendSpec`.

        Raises BackendStartError, with exit code and the end of stderr, when it does not become
        ready within ``start_timeout``, and ValueError for bad options.
        """
        spec = make_spec(target, self._defaults, options)
        require_one_process(spec)
        self._require_open()
        plan = launchers.plan_launch(
            spec.target,
            name=spec.name,
            args=spec.args,
            python=spec.python,
            env=spec.env,
            inherit=spec.inherit_env,
            cwd=spec.cwd,
            roots=spec.roots,
            wire=spec.wire,
        )
        name = self._reserve(plan.name, spec)
        backend = self._handle(spec, name, self._exposed)
        try:
            worker = Worker(
                spec,
                attrs.evolve(plan, name=name),
                backend._router,
                backend._exposed,
                backend._callbacks,
                lambda worker: self._forget(backend, worker),
            )
            backend._attach(worker)
            with self._lock:
                self._workers.add(worker)
                self._backends[name] = backend
            _unclosed.add(self)
        except BaseException:
            with self._lock:
                self._backends.pop(name, None)
            raise
        finally:
            with self._lock:
                self._starting -= 1
        worker.start()
        self._instruments.ready(backend.name)
        if self._closing:  # closed while we waited
            worker.stop()
            self._require_open()
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
        checked_timeout(seconds)
        started = time.monotonic()
        options = inline_options(options, seconds, self._defaults["start_timeout"])
        backend = self.spawn(INLINE, **options)
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

    def _reserve(self, name: str, spec: BackendSpec) -> str:
        """Take a place for one more process and a name that no other backend has."""
        with self._lock:
            self._require_open()
            if len(self._workers) + self._starting >= self._max_processes:
                raise BackendStartError(
                    f"{self._max_processes} processes run already, which is the most this "
                    "manager allows; terminate one, or raise max_processes"
                )
            if name in self._backends:
                if spec.name is not None and spec.name != "execute":
                    raise ValueError(
                        f"name={name!r} is not allowed: a backend of that name runs already"
                    )
                number = 2
                while f"{name}-{number}" in self._backends:
                    number += 1
                name = f"{name}-{number}"
            self._backends[name] = None
            self._starting += 1
            return name

    def _forget(self, backend: Backend, worker: Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
            if self._backends.get(backend.name) is backend:
                del self._backends[backend.name]
            if not self._workers:
                _unclosed.discard(self)
        backend._on_exit()
        self._instruments.gone(backend.name, worker.stopping, worker.last_exit)

    def __repr__(self) -> str:
        state = "closed" if self._closing else f"{len(self._workers)} of {self._max_processes}"
        return f"<ProcessManager {state} pid={os.getpid()}>"


_unclosed: set[ProcessManager] = set()
"""Managers with living children; kept so that the end of the interpreter finds them."""


@atexit.register
def _close_at_exit() -> None:
    for manager in tuple(_unclosed):
        manager._close(_AT_EXIT)
