"""Supervision with real processes that misbehave by name, from plain threads."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    BackendStartError,
    CallTimeout,
    RestartLimitReached,
    RestartPolicy,
)
from bridgekit.blocking import ProcessManager
from tests.blocking.support import Task, all_ready, failing, until
from tests.host.supervision_support import AT_ONCE, MOODY, OF_ANOTHER_PROTOCOL, moods
from tests.host.support import DEADLINE, lives


def test_a_crash_is_followed_by_a_restart_and_tells_when(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart=RestartPolicy(backoff=0.05, jitter=False))
    before = backend.pid
    error = failing(backend, "die")
    assert error.next_restart == pytest.approx(0.05, abs=0.01)
    assert "it is started again in 0.05 s" in str(error)
    assert backend.call("pid", timeout=DEADLINE) == backend.pid != before
    assert backend.status.restarts == 1
    assert manager.backends["moody"] is backend
    last = backend.status.last_exit
    assert last is not None
    assert last.code == 3


def test_a_backend_that_waits_for_its_restart_tells_so(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart=RestartPolicy(backoff=30, jitter=False))
    failing(backend, "die")
    assert backend.status.state == "backing-off"
    assert backend.status.pid is None
    backend.restart()
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


@pytest.mark.parametrize("mood", ["crash before", "garbage", "hang"])
def test_starts_that_fail_are_tried_again(tmp_path: Path, mood: str) -> None:
    env = moods(tmp_path, "good", mood, mood)
    with ProcessManager(start_timeout=2.0) as manager:
        backend = manager.spawn(MOODY, env=env, restart=AT_ONCE)
        failing(backend, "die")
        assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
        assert backend.status.restarts == 3


def test_a_first_start_that_fails_is_told_at_once(manager: ProcessManager, tmp_path: Path) -> None:
    with pytest.raises(BackendStartError, match="no mood for this") as caught:
        manager.spawn(MOODY, env=moods(tmp_path, "crash before"), restart=AT_ONCE)
    assert caught.value.exit_code == 3
    assert not manager.backends
    assert manager._hub.budget.used == 0
    assert manager._hub.janitor is None


def test_a_crash_loop_ends_in_failure_with_the_story(
    manager: ProcessManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    env = moods(tmp_path, "good", *["crash before"] * 10)
    backend = manager.spawn(MOODY, env=env, restart=RestartPolicy(backoff=0, max_restarts=3))
    failing(backend, "die")
    Task(backend.wait).wait()
    assert backend.status.state == "failed"
    with pytest.raises(RestartLimitReached) as caught:
        backend.call("add", [1, 1])
    story = str(caught.value)
    assert "died 4 times within 180 s" in story
    assert story.count("no mood for this") >= 3
    assert "has failed" in caplog.text
    # Its host may think better of it.
    Path(env["MOODS"]).write_text("")
    backend.restart()
    assert backend.call("add", [1, 1]) == 2


def test_ending_well_in_a_loop_counts(manager: ProcessManager, tmp_path: Path) -> None:
    env = moods(tmp_path, *["exit after"] * 10)
    backend = manager.spawn(MOODY, env=env, restart=RestartPolicy(backoff=0, max_restarts=2))
    Task(backend.wait).wait()
    assert backend.status.state == "failed"
    assert backend.status.restarts == 2


def test_calls_that_wait_are_told_of_the_failure(manager: ProcessManager, tmp_path: Path) -> None:
    env = moods(tmp_path, "good", *["crash before"] * 10)
    backend = manager.spawn(MOODY, env=env, restart=RestartPolicy(backoff=0.1, max_restarts=2))
    failing(backend, "die")
    waiting = [Task(backend.call, "add", [1, 1], timeout=None) for _ in range(4)]
    for task in waiting:
        with pytest.raises(RestartLimitReached):
            task.wait()


def test_a_target_that_vanished_is_not_tried_again(manager: ProcessManager, tmp_path: Path) -> None:
    script = tmp_path / "moody.py"
    script.write_text(Path(MOODY).read_text())
    backend = manager.spawn(script, restart=AT_ONCE)
    script.unlink()
    failing(backend, "die")
    with pytest.raises(BackendStartError, match=r"moody\.py"):
        backend.call("add", [1, 1])
    assert backend.status.state == "failed"


def test_another_version_of_the_protocol_is_not_tried_again(
    manager: ProcessManager, tmp_path: Path
) -> None:
    script = tmp_path / "moody.py"
    script.write_text(Path(MOODY).read_text())
    backend = manager.spawn([sys.executable, str(script)], restart=AT_ONCE)
    script.write_text(OF_ANOTHER_PROTOCOL)  # an update under a running host
    failing(backend, "die")
    with pytest.raises(BackendStartError, match="protocol 99"):
        backend.call("add", [1, 1], timeout=DEADLINE)
    assert (backend.status.state, backend.status.restarts) == ("failed", 1)


def test_a_deliberate_stop_restarts_nothing_until_told(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart="always")
    pid = backend.pid
    backend.terminate()
    assert not lives(pid)
    assert backend.status.state == "stopped"
    assert "moody" not in manager.backends
    with pytest.raises(BackendError, match="stopped by its host"):
        backend.call("add", [1, 1])
    backend.restart()
    assert backend.call("pid") != pid
    assert manager.backends["moody"] is backend
    backend.terminate()
    other = manager.spawn(MOODY)
    with pytest.raises(BackendError, match="another backend"):
        backend.restart()
    assert other.call("add", [1, 1]) == 2


def test_a_slow_backend_delays_no_other(manager: ProcessManager, tmp_path: Path) -> None:
    env = moods(tmp_path, "good", "hang")
    slow = manager.spawn(MOODY, name="slow", env=env, restart=AT_ONCE)
    quick = manager.spawn(MOODY, name="quick", restart=AT_ONCE)
    failing(slow, "die")
    failing(quick, "die")
    assert quick.call("add", [1, 1], timeout=DEADLINE) == 2
    assert slow.status.state == "starting"


def test_a_stop_during_a_restart(tmp_path: Path) -> None:
    with ProcessManager(stop_grace=0.2) as manager:
        backend = manager.spawn(MOODY, env=moods(tmp_path, "good", "hang"), restart=AT_ONCE)
        failing(backend, "die")
        until(lambda: backend.status.state == "starting")
        pid = backend.pid
        backend.terminate()
        assert not lives(pid)
        assert backend.status.state == "stopped"


def test_a_stop_at_any_moment_of_a_restart(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, workers=2)
    for pause in range(8):
        restart = Task(backend.restart)
        restart._thread.join(pause * 0.01)
        backend.terminate(grace=0.2)
        try:
            restart.wait()
        except BackendError:
            pass
        backend.restart()
        assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


def test_a_restart_just_as_a_stop_ends_keeps_its_timers(manager: ProcessManager) -> None:
    """Who restarts it may find the janitor of the old life still hired."""
    backend = manager.spawn(MOODY, restart=AT_ONCE)
    driver = backend._driver
    hire = driver._hire

    def hire_and_let_go() -> None:
        hire()
        if not driver.processes:
            driver._hire = hire  # type: ignore[method-assign]
            driver._let_go()

    backend.terminate()
    driver._hire = hire_and_let_go  # type: ignore[method-assign]
    backend.restart()
    pid = backend.pid
    os.kill(pid, signal.SIGKILL)
    assert driver._servant is manager._hub.janitor is not None
    assert backend.call("pid", timeout=DEADLINE, idempotent=True) != pid


def test_the_janitor_is_hired_once_for_each_backend(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY)
    for task in [Task(backend._driver._hire) for _ in range(4)]:
        task.wait()
    backend.terminate()
    assert manager._hub.janitor is None
    backend._driver._hire()  # somebody was interrupted before more came of it
    manager.close()
    assert manager._hub.janitor is None


def test_many_restarts_and_stops_at_a_time(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, workers=2, max_frame=1 << 20)
    tasks = [Task(backend.restart) for _ in range(4)]
    for task in tasks:
        task.wait()
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    all_ready(backend, 2)
    stops = [Task(backend.terminate) for _ in range(4)]
    for task in stops:
        task.wait()
    assert backend.status.state == "stopped"
    assert manager._hub.budget.used == 0


def test_many_stop_in_parallel_within_the_grace() -> None:
    with ProcessManager(max_processes=20, stop_grace=0.5) as manager:
        backend = manager.spawn(MOODY, workers=15, env={"LINGER": "1"}, start_timeout=30)
        all_ready(backend, 15)
        pids = [status.pid for status in backend.statuses]
        started = time.monotonic()
    # One after the other they would take seven seconds and a half.
    assert time.monotonic() - started < 5.0
    assert not any(lives(pid) for pid in pids if pid)


def test_other_code_that_waits_for_all_children(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart=AT_ONCE)
    pid = backend.pid
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):  # the backend's own host was quicker
        os.waitpid(pid, 0)
    until(lambda: backend.pid != pid)
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


def test_a_host_that_forks_keeps_its_backends(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY)
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert backend.call("add", [1, 1]) == 2
    assert lives(backend.pid)


def test_a_life_after_a_stop_has_timers_of_its_own(manager: ProcessManager) -> None:
    """The moment of which the old life wanted to be told is not one of the new."""
    backend = manager.spawn(MOODY, health={"interval": 0.1, "timeout": 60})
    for _ in range(2):
        call = Task(backend.call, "sleep", [60], timeout=None)
        until(lambda: backend.status.in_flight)
        with pytest.raises(CallTimeout, match="waited"):
            backend.call("add", [1, 1], timeout=0.05)
        backend.terminate(grace=0)
        with pytest.raises(BackendDied):
            call.wait()
        backend.restart()
