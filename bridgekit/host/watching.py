"""Notices changed source files of a backend, for hot reload. Needs the extra ``watch``.

It only says that something changed, and waits while that is being acted upon: what to do is the
caller's, usually ``backend.restart``, which lets calls in flight end first.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any

import anyio
import anyio.to_thread

from bridgekit.errors import BackendStartError, BridgeError
from bridgekit.host.targets import TargetLike, resolve_target
from bridgekit.wire.missing import missing_package

__all__ = ["QUIET", "changed_files", "changes_below", "source_folders", "watch_sources"]

QUIET = 0.1
"""Seconds without a further change after which changes are told: editors write in steps."""

logger = logging.getLogger("bridgekit")


def source_folders(target: TargetLike, *, cwd: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the folders whose Python files make up ``target``, to be watched with all below.

    That is the folder of a script, and for a class of a module the working directory, where it
    is imported from. Raises BackendStartError for a command, whose sources nobody can know.
    """
    found = resolve_target(target, cwd=cwd)
    if found.kind == "script" and found.path is not None:
        return [os.path.dirname(found.path)]
    if found.kind == "module":
        return [os.path.abspath(os.fspath(cwd) if cwd is not None else os.curdir)]
    raise BackendStartError(
        f"{found.argv[0]!r} is a command: name the folders of its sources to watch them"
    )


async def watch_sources(
    folders: Iterable[str | os.PathLike[str]],
    changed: Callable[[], Any],
    *,
    quiet: float = QUIET,
) -> None:
    """Call ``changed()``, and await what it returns, after each change; until cancelled.

    Run it as a task: ``tasks.start_soon(watch_sources, folders, backend.restart)``. Changes to
    Python files below ``folders`` count, those of caches and virtual environments do not. What
    changes while ``changed`` is awaited is told when it has ended. Its BridgeError is logged: a
    file that was saved half-written must not end the watching.

    Raises BridgeError without the package watchfiles, FileNotFoundError for a missing folder.
    """
    stop = threading.Event()
    batches = changes_below(folders, quiet, stop)
    with contextlib.closing(batches):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_set_when_cancelled, stop)
            while True:
                changes = await anyio.to_thread.run_sync(next, batches, None)
                if changes is None:
                    break
                logger.info("sources changed: %s", ", ".join(changed_files(changes)))
                try:
                    result = changed()
                    if inspect.isawaitable(result):
                        await result
                except BridgeError as error:
                    logger.error("after a change of sources: %s", error)
            tasks.cancel_scope.cancel()


async def _set_when_cancelled(stop: threading.Event) -> None:
    """A thread that waits for changes can be cancelled by nothing else."""
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()


def changes_below(
    folders: Iterable[str | os.PathLike[str]], quiet: float, stop: threading.Event
) -> Generator[set[tuple[Any, str]], None, None]:
    """Return a blocking iterator over sets of changes, which ends soon after ``stop`` is set.

    Close it, to release what watches.

    Raises as :func:`watch_sources`, before it waits for anything.
    """
    try:
        import watchfiles
    except ImportError:
        needed = missing_package("watchfiles", sys.executable)
        raise BridgeError(f"watching sources needs {needed} (bridgekit-ipc[watch])") from None
    paths = [os.fspath(folder) for folder in folders]
    for path in paths:
        os.stat(path)
    step = max(1, round(quiet * 1000))
    return watchfiles.watch(
        *paths,
        watch_filter=watchfiles.PythonFilter(),
        debounce=10 * step,
        step=step,
        stop_event=stop,
        raise_interrupt=False,
    )


def changed_files(changes: Iterable[tuple[Any, str]], most: int = 5) -> list[str]:
    """Return the names of changed files for a log line, the first few of them."""
    names = sorted({path for _, path in changes})
    return names[:most] + ([f"and {len(names) - most} more"] if len(names) > most else [])
