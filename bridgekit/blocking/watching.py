"""Notices changed source files in a thread: :mod:`bridgekit.host.watching` without a loop."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from bridgekit.errors import BridgeError
from bridgekit.host.watching import QUIET, changed_files, changes_below

__all__ = ["SourceWatch"]

logger = logging.getLogger("bridgekit")


class SourceWatch:
    """Calls ``changed()`` after each change: ``with SourceWatch(folders, backend.restart)``.

    Python files below ``folders`` count, those of caches and virtual environments do not. Calls
    come from one thread, one at a time; further changes are told when a call has ended. A
    BridgeError that it raises is logged. ``quiet`` is the time in seconds without a further
    change after which changes are told.

    Raises BridgeError without the package watchfiles, FileNotFoundError for a missing folder.
    """

    def __init__(
        self,
        folders: Iterable[str | os.PathLike[str]],
        changed: Callable[[], Any],
        *,
        quiet: float = QUIET,
    ) -> None:
        self._stop = threading.Event()
        self._batches = changes_below(folders, quiet, self._stop)
        self._changed = changed
        self._thread: threading.Thread | None = None

    def __enter__(self) -> SourceWatch:
        self._thread = threading.Thread(target=self._run, name="bridgekit-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more; wait for a call that is under way."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._batches):
            for changes in self._batches:
                logger.info("sources changed: %s", ", ".join(changed_files(changes)))
                try:
                    self._changed()
                except BridgeError as error:
                    logger.error("after a change of sources: %s", error)
                if self._stop.is_set():
                    return
