"""Waiting and threads for the blocking tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from bridgekit import BackendDied
from bridgekit.blocking import Backend
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
        self.ident = self._thread.ident

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


def failing(backend: Backend, method: str, *args: Any, **options: Any) -> BackendDied:
    """Make a call that the backend must not survive; return its error."""
    with pytest.raises(BackendDied) as caught:
        backend.call(method, list(args), **options)
    return caught.value


def all_ready(backend: Backend, count: int) -> None:
    """Wait until ``backend`` has just so many workers, and all of them are ready."""
    until(lambda: [one.state for one in backend.statuses] == ["ready"] * count)


def at_rest(backend: Backend) -> None:
    """Wait until no place is taken and nothing waits; a further call must work then."""
    until(lambda: (backend.status.in_flight, backend.status.queued) == (0, 0))
    assert backend.call("add", [40, 2], timeout=DEADLINE) == 42
    until(lambda: backend.status.in_flight == 0)
