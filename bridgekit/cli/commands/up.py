"""Run the backends of FILE in the foreground, and show how they are.

FILE has a table [backends.NAME] for each. On a terminal there is a live table (extra "tui"),
elsewhere a line for each change of state. What the backends print goes to stderr. Ctrl-C, SIGTERM
or a terminal that is closed stops all of them in order, a second Ctrl-C or SIGTERM at once;
"bridgekit ps" shows them from elsewhere.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

import anyio
from anyio import to_thread

from bridgekit import BackendSpec, BackendStartError, BridgeError, ProcessManager
from bridgekit.cli import running
from bridgekit.cli.board import describe, rows
from bridgekit.cli.exits import DIED, INTERRUPTED, OK, UsageError
from bridgekit.cli.views import View, choose
from bridgekit.host.changes import Changes
from bridgekit.host.handle import Backend
from bridgekit.policy.lifecycle import StateChange
from bridgekit.policy.loading import specs_from_toml

__all__ = ["HELP", "Up", "add_arguments", "read_specs", "run"]

HELP = "run a set of backends in the foreground"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit up``."""
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="bridgekit.toml",
        help="the set (default: bridgekit.toml)",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each change")


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit up``; the status is 130 after Ctrl-C, 0 after SIGTERM or SIGHUP."""
    specs = read_specs(arguments.file)
    up = Up(os.path.realpath(arguments.file), specs, choose(as_json=arguments.json))
    with output_on_stderr():
        status = anyio.run(up.run)
    if up.failed:
        words = "all backends have ended; failed: " + ", ".join(up.failed)
        print(f"bridgekit: {words}", file=sys.stderr)
    return status


@contextmanager
def output_on_stderr() -> Iterator[None]:
    """Show what backends print and log, from a thread: a stderr that is stuck delays nothing."""
    records: SimpleQueue[Any] = SimpleQueue()
    handler = _Stderr()
    handler.setFormatter(
        logging.Formatter("%(backend)s: %(message)s", defaults={"backend": "bridgekit"})
    )
    listener = QueueListener(records, handler)
    entrance = QueueHandler(records)
    logger = logging.getLogger("bridgekit")
    before = logger.level
    logger.addHandler(entrance)
    logger.setLevel(logging.INFO)
    listener.start()
    try:
        yield
    finally:
        logger.removeHandler(entrance)
        logger.setLevel(before)
        listener.stop()


class _Stderr(logging.Handler):
    """Writes to what stderr is at that moment: the live table puts itself in between."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads it any more
            print(self.format(record), file=sys.stderr, flush=True)


def read_specs(file: str) -> list[BackendSpec]:
    """Read the set; raises ValueError that names the file and what is wrong in it."""
    try:
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        raise UsageError(f"{file} is not there; name the file with the backends") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{file} is not UTF-8: {error}") from None
    folder = os.path.dirname(os.path.realpath(file))
    specs = list(specs_from_toml(text, file, folder).values())
    if not specs:
        raise UsageError(f"{file} names no backend; it needs a table [backends.NAME]")
    return specs


class Up:
    """One run of a set, from the first start to the last stop."""

    def __init__(self, file: str, specs: Iterable[BackendSpec], view: View) -> None:
        self.file = file
        self.specs = tuple(specs)
        self.view = view
        self.status: int | None = None
        self.error: Exception | None = None
        self.failed: list[str] = []
        self._backends: dict[str, Backend] = {}
        self._manager: ProcessManager | None = None
        self._work: anyio.CancelScope | None = None

    async def run(self) -> int:
        """Run it to its end; return the exit status, or raise what ended it."""
        with ExitStack() as stack:
            arriving: Any = None
            if sys.platform != "win32":  # where Ctrl-C cancels this task instead
                arriving = stack.enter_context(anyio.open_signal_receiver(*_signals()))
            async with anyio.create_task_group() as tasks:
                if arriving is not None:
                    tasks.start_soon(self._obey, arriving)
                answering = await self._listen()
                if answering is not None:
                    tasks.start_soon(answering.serve, self.describe)
                await self._supervise()
                tasks.cancel_scope.cancel()
        if self.error is not None:
            raise self.error
        return OK if self.status is None else self.status

    def describe(self) -> dict[str, Any]:
        """Return what ``bridgekit ps`` shows of this process."""
        return {"file": self.file, "backends": describe(self._known())}

    def _known(self) -> tuple[Backend, ...]:
        """Return every backend that there is or was: those that are stopped are shown, too."""
        if self._manager is not None:
            self._backends.update(self._manager.backends)
        return tuple(self._backends.values())

    async def _listen(self) -> running.Answering | None:
        """Open the way for ``ps``; the backends are worth running without one, too."""
        try:
            return await running.listen()
        except (BridgeError, OSError) as error:
            print(f"bridgekit: ps will not show this: {error}", file=sys.stderr)
            return None

    async def _obey(self, arriving: Any) -> None:
        async for number in arriving:
            if self.status is None and self.error is None:
                self._end(INTERRUPTED if number == signal.SIGINT else OK)
                continue
            if number not in _INSISTENT:  # the shell and the kernel both tell of a lost terminal
                continue
            async with anyio.create_task_group() as tasks:
                for backend in self._known():
                    tasks.start_soon(_kill, backend)

    def _end(self, status: int | None = None, error: Exception | None = None) -> None:
        """Begin to stop; the first reason counts."""
        if self.status is None and self.error is None:
            self.status, self.error = status, error
        if self._work is not None:
            self._work.cancel()

    async def _supervise(self) -> None:
        # Room for every worker, its spares, and one more while a worker is replaced.
        most = sum(spec.workers + spec.warm_spares + 1 for spec in self.specs)
        async with (
            anyio.create_task_group() as showing,
            ProcessManager(max_processes=most) as self._manager,
        ):
            showing.start_soon(self._show, self._manager.changes())
            with anyio.CancelScope() as self._work:
                if self.status is not None:  # a signal came first
                    return
                async with anyio.create_task_group() as tasks:
                    for spec in self.specs:
                        tasks.start_soon(self._keep, self._manager, spec)
                self._all_ended()

    async def _keep(self, manager: ProcessManager, spec: BackendSpec) -> None:
        try:
            backend = await manager.spawn(spec)
        except BackendStartError as error:
            self._end(error=_named(error, spec.name))
            return
        except (BridgeError, OSError, ValueError) as error:
            self._end(error=error)
            return
        await backend.wait()

    def _all_ended(self) -> None:
        """Every backend ended by itself: well, or for ever."""
        self.failed = [each.name for each in self._known() if each.status.state == "failed"]
        if self.failed:
            self._end(DIED)

    async def _show(self, changes: Changes) -> None:
        """Show the changes until the manager has stopped everything."""
        interval = self.view.interval
        ended = False
        while not ended:
            news: list[StateChange] = []
            with anyio.move_on_after(interval):
                try:
                    news.append(await anext(changes))
                except StopAsyncIteration:
                    ended = True
            while (change := changes.take()) is not None:
                news.append(change)
            backends = self._known()
            cells = rows(describe(backends)) if interval else []
            await self._draw(self.view.show, news, cells)
        await self._draw(self.view.close)

    async def _draw(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            await to_thread.run_sync(function, *arguments)
        except OSError as error:  # whoever read our output has gone
            self._end(error=error)


def _named(error: BackendStartError, name: str | None) -> BackendStartError:
    """Return ``error`` with the name of the backend in its text: the set may have many."""
    if name is None or repr(name) in str(error):
        return error
    named = BackendStartError(f"backend {name!r} did not start: {error}", backend=name)
    named.__cause__ = error
    return named


_INSISTENT = (signal.SIGINT, signal.SIGTERM)


def _signals() -> tuple[signal.Signals, ...]:
    """Return the signals that stop everything; under ``nohup`` a lost terminal does not."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return _INSISTENT
    return (*_INSISTENT, signal.SIGHUP)


async def _kill(backend: Backend) -> None:
    await backend.terminate(grace=0)
