"""Waiting and threads for the blocking tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.host.support import DEADLINE


def until(condition: Callable[[], object]) -> None:
    """Wait until ``condition()`` is true; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.002)


class Task:
    """A function in a thread of its own, and what became of it."""

    def __init__(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, args, options))
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: Any, options: Any) -> None:
        try:
            self.result = function(*args, **options)
        except BaseException as error:
            self.error = error

    def wait(self, timeout: float = DEADLINE) -> Any:
        """Return the function's result or raise what it raised."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "it is still running"
        if self.error is not None:
            raise self.error
        return self.result
