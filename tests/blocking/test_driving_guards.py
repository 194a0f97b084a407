"""An error of ours around the end of a process is logged, and everything goes on to its end."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from bridgekit import BackendDied
from bridgekit.blocking import ProcessManager
from tests.blocking.support import Task, all_ready, until
from tests.host.supervision_support import AT_ONCE, MOODY
from tests.host.support import DEADLINE, lives


def broken(*_args: Any, **_options: Any) -> None:
    raise ZeroDivisionError("ours")


@pytest.mark.parametrize("part", ["exited", "take_actions"])
def test_a_supervisor_that_fails_hangs_nobody(caplog: pytest.LogCaptureFixture, part: str) -> None:
    with ProcessManager(stop_grace=1.0) as manager:
        backend = manager.spawn(MOODY, workers=2, restart=AT_ONCE)
        all_ready(backend, 2)
        pids = [status.pid for status in backend.statuses]
        other = manager.spawn(MOODY, name="other")
        call = Task(backend.call, "sleep", [60])
        until(lambda: backend.status.in_flight)
        setattr(backend._driver.supervisor, part, broken)
        for process in backend._driver.processes:
            if process.worker.in_flight:
                os.kill(process.child.pid, signal.SIGKILL)
        with pytest.raises(BackendDied):
            call.wait()
        assert other.call("add", [1, 1], timeout=DEADLINE) == 2
        pids.append(other.pid)
    assert not any(lives(pid) for pid in pids if pid)
    assert "an internal error while it ended" in caplog.text
    assert "ZeroDivisionError: ours" in caplog.text


@pytest.mark.parametrize(
    "part", ["_read_stderr_rest", "_tell_of_the_end", "_tell_driver", "_host_calls"]
)
def test_a_process_that_fails_at_its_end_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture, part: str
) -> None:
    with ProcessManager(stop_grace=1.0) as manager:
        backend = manager.spawn(MOODY, restart=AT_ONCE)
        pid = backend.pid
        (process,) = backend._driver.processes
        intact = getattr(process, part)

        def first_fails(*args: Any) -> None:
            setattr(process, part, intact)
            if part != "_host_calls":
                intact(*args)
            broken()

        if part == "_host_calls":
            first_fails.close = first_fails  # type: ignore[attr-defined]
        setattr(process, part, first_fails)
        os.kill(pid, signal.SIGKILL)
        until(lambda: backend.pid != pid)
        assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    assert "ZeroDivisionError: ours" in caplog.text


def test_an_error_of_a_step_reaches_who_asked_for_it_and_no_other(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY)
    for ask in (backend._driver.run, lambda step: Task(backend._driver.run, step).wait()):
        with pytest.raises(ZeroDivisionError, match="ours"):
            ask(broken)
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    assert backend._driver._steps == 0
