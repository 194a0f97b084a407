"""Pools, spares, idleness, pauses and health, with real processes and plain threads."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from bridgekit import BackendError, CallTimeout, RestartPolicy
from bridgekit.blocking import ProcessManager
from tests.blocking.support import Task, all_ready, at_rest, failing, until
from tests.host.supervision_support import AT_ONCE, MOODY
from tests.host.support import DEADLINE, lives


def test_workers_share_the_calls(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, workers=3)
    all_ready(backend, 3)
    calls = [Task(backend.call, "sleep", [0.05], timeout=DEADLINE) for _ in range(6)]
    assert {call.wait() for call in calls} == {status.pid for status in backend.statuses}
    assert [status.worker for status in backend.statuses] == [0, 1, 2]


def test_the_least_loaded_worker_gets_the_call(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, workers=2, concurrency=2)
    all_ready(backend, 2)
    first = Task(backend.call, "sleep", [0.5], timeout=DEADLINE)
    until(lambda: backend.status.in_flight == 1)
    (busy,) = (one.pid for one in backend.statuses if one.in_flight)
    assert backend.call("pid", timeout=DEADLINE) != busy
    assert first.wait() == busy


@pytest.mark.parametrize(("workers", "concurrency"), [(1, 1), (1, 4), (2, 1)])
def test_a_rolling_restart_fails_no_call(
    manager: ProcessManager, workers: int, concurrency: int
) -> None:
    backend = manager.spawn(MOODY, workers=workers, concurrency=concurrency)
    all_ready(backend, workers)
    before = {status.pid for status in backend.statuses}
    over = threading.Event()

    def keep_calling() -> int:
        served = 0
        while not over.is_set():
            assert backend.call("add", [served, 1], timeout=DEADLINE) == served + 1
            assert backend.call_many("add", [[served, 2]] * 3, timeout=DEADLINE) == [served + 2] * 3
            served += 1
        return served

    tasks = [Task(keep_calling) for _ in range(4)]
    try:
        for _ in range(3):
            backend.restart()
    finally:
        over.set()
    assert all(task.wait() for task in tasks)
    until(lambda: len(backend._driver.processes) == workers)
    assert not before & {status.pid for status in backend.statuses}
    assert backend.status.failed_calls == 0
    at_rest(backend)


def test_a_restart_is_over_when_the_old_process_has_ended(
    manager: ProcessManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its end and the moment in which all of that is told, too."""
    backend = manager.spawn(MOODY)
    driver = backend._driver
    asked: list[bool] = []

    def gone(process: object) -> None:
        asked.append(driver.renewed())
        driver.end_restart({process.worker})  # type: ignore[attr-defined]
        type(driver).gone(driver, process)

    monkeypatch.setattr(driver, "gone", gone)
    backend.restart()
    until(lambda: asked == [True])
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


def test_a_warm_spare_takes_over_at_once(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, warm_spares=1, restart=RestartPolicy(backoff=10))
    all_ready(backend, 2)
    spare = backend.statuses[1].pid
    failing(backend, "die")
    assert backend.call("pid", timeout=5) == spare


def test_workers_are_recycled_after_their_calls(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, recycle={"calls": 5, "jitter": 0.0})
    pids = [backend.call("pid", timeout=DEADLINE) for _ in range(40)]
    until(lambda: backend.pid != pids[0])
    assert backend.status.failed_calls == 0
    assert backend.status.calls == 40


def test_workers_are_recycled_by_age(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, recycle={"age": 0.3, "jitter": 0.0})
    pid = backend.pid
    until(lambda: backend.call("pid", timeout=DEADLINE) != pid)
    assert backend.status.failed_calls == backend.status.restarts == 0


def test_a_worker_that_eats_too_much_is_replaced(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, recycle={"memory": 60 << 20})
    pid = backend.call("eat", [100 << 20], timeout=DEADLINE)
    until(lambda: backend.pid != pid)
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


def test_an_idle_backend_stops_and_the_next_call_starts_it(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, idle_timeout=0.05)
    pid = backend.pid
    until(lambda: backend.status.state == "idle")
    until(lambda: not lives(pid))
    assert backend.call("pid", timeout=DEADLINE) != pid
    assert backend.status.restarts == 0
    until(lambda: backend.status.state == "idle")
    backend.terminate()
    assert backend.status.state == "stopped"


def test_the_idle_timer_and_a_call_may_meet(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, idle_timeout=0.02)
    pause = threading.Event()
    for step in range(15):
        pause.wait(0.012 + step * 0.001)
        assert backend.call("add", [step, 1], timeout=DEADLINE) == step + 1
    assert backend.status.failed_calls == 0
    assert backend.status.calls == 15


def test_lone_calls_keep_a_backend_awake(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, idle_timeout=0.5)
    pid = backend.pid
    for number in range(3):
        assert backend.call("sleep", [0.3], timeout=DEADLINE) == pid
        assert backend.call("add", [number, 1], timeout=DEADLINE) == number + 1


def test_pause_freezes_and_resume_goes_on() -> None:
    def state(pid: int) -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    with ProcessManager(cancel_grace=0.1) as manager:
        backend = manager.spawn(MOODY)
        backend.pause()
        assert backend.status.state == "paused"
        until(lambda: state(backend.pid) == "T")
        call = Task(backend.call, "add", [1, 1], timeout=DEADLINE)
        until(lambda: backend.status.queued == 1)
        with pytest.raises(BackendError, match="paused"):
            backend.restart()
        assert call.result is None
        backend.resume()
        assert call.wait() == 2
        at_rest(backend)
        assert backend.status.state == "ready"


def test_a_lone_call_in_a_frozen_process_goes_on_with_it(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY)
    call = Task(backend.call, "sleep", [0.1], timeout=DEADLINE)
    until(lambda: backend.status.in_flight)
    backend.pause()
    waiting = Task(backend.call, "pid", timeout=DEADLINE)
    until(lambda: backend.status.queued == 1)
    backend.resume()
    assert call.wait() == waiting.wait() == backend.pid
    at_rest(backend)


def test_a_call_that_times_out_in_a_frozen_process_costs_it_nothing() -> None:
    with ProcessManager(cancel_grace=0.2) as manager:
        backend = manager.spawn(MOODY)
        pid = backend.pid
        call = Task(backend.call, "sleep", [60], timeout=0.3)
        until(lambda: backend.status.in_flight)
        backend.pause()
        with pytest.raises(CallTimeout):
            call.wait()
        (process,) = backend._driver.processes
        until(lambda: process._overdue)
        backend.resume()
        assert backend.call("pid", timeout=DEADLINE) == pid
        at_rest(backend)


def test_a_cooperative_pause_lets_calls_end(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY)
    call = Task(backend.call, "sleep", [0.1], timeout=DEADLINE)
    until(lambda: backend.status.in_flight)
    backend.pause(freeze=False)
    assert call.wait() == backend.pid
    assert backend.status.state == "paused"
    backend.terminate()
    assert backend.status.state == "stopped"


def test_busy_is_not_dead() -> None:
    health = {"interval": 0.1, "timeout": 0.1}
    with ProcessManager(cancel_grace=30.0) as manager:
        backend = manager.spawn(MOODY, health=health, restart=AT_ONCE)
        pid = backend.pid
        assert backend.call("spin", [0.6], timeout=DEADLINE) == pid
        # Held in C with time left: nobody may judge.
        assert backend.call("hold", [0.6], timeout=DEADLINE) == pid
        with pytest.raises(CallTimeout):
            backend.call("hold", [0.5], timeout=0.1)
        # cancel_grace is long, yet its oldest deadline is that of the cancellation.
        assert backend.call("pid", timeout=DEADLINE) == pid


def test_a_hung_worker_is_killed_and_replaced() -> None:
    with ProcessManager(cancel_grace=0.2) as manager:
        health = {"interval": 0.1, "timeout": 0.1, "idle": True}
        backend = manager.spawn(MOODY, health=health, restart=AT_ONCE)
        pid = backend.pid
        os.kill(pid, signal.SIGSTOP)
        until(lambda: backend.pid != pid)
        last = backend.status.last_exit
        assert last is not None
        assert "has not answered" in last.description
        assert backend.call("add", [1, 1], timeout=DEADLINE) == 2


def test_a_lone_call_that_does_not_end_costs_its_worker_its_life() -> None:
    with ProcessManager(cancel_grace=0.2) as manager:
        backend = manager.spawn(MOODY, restart=AT_ONCE)
        pid = backend.pid
        with pytest.raises(CallTimeout):
            backend.call("hold", [60], timeout=0.1)
        assert backend.call("pid", timeout=DEADLINE) != pid
        last = backend.status.last_exit
        assert last is not None
        assert "had not ended the call 'hold'" in last.description
        at_rest(backend)
