"""What a host of threads may live through: stops at bad moments, forks, other people's waits."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bridgekit import BackendDied, BackendError, BridgeError, CallTimeout, QueueFull
from bridgekit.blocking import ProcessManager
from tests.blocking.support import Task, all_ready, at_rest, failing, until
from tests.host.supervision_support import AT_ONCE, MOODY, moods
from tests.host.support import DEADLINE, MENU, lives, steal
from tests.host.test_surviving import forked_copy


@pytest.mark.parametrize("by", ["the backend", "the manager"])
def test_stopping_while_the_first_start_hangs(tmp_path: Path, by: str) -> None:
    with ProcessManager(stop_grace=0.2) as manager:
        start = Task(manager.spawn, MOODY, name="x", env=moods(tmp_path, "hang"))
        until(lambda: "x" in manager.backends and manager.backends["x"].pid)
        pid = manager.backends["x"].pid
        (manager.backends["x"].terminate if by == "the backend" else manager.close)()
        with pytest.raises(BridgeError):
            start.wait()
        assert not lives(pid)
        assert not manager.backends
        assert manager._hub.budget.used == 0


def test_a_stop_while_a_start_waits_for_a_process() -> None:
    with ProcessManager(max_processes=1, start_timeout=1000) as small:
        first = small.spawn(MOODY)
        waiting = Task(small.spawn, MOODY, name="x")
        until(lambda: "x" in small.backends and len(small._hub.drivers) == 2)
        small.backends["x"].terminate()
        with pytest.raises(BackendError, match="stopped by its host"):
            waiting.wait()
        second = Task(small.spawn, MOODY, name="y")
        first.terminate()
        assert second.wait().call("add", [1, 1], timeout=DEADLINE) == 2


def test_a_backend_that_ignores_every_request_to_stop(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, env={"LINGER": "1"})
    backend.call("deaf")
    pid = backend.pid
    backend.terminate(grace=0.2)
    assert not lives(pid)
    assert backend.status.last_exit is not None
    assert backend.status.last_exit.signal == "SIGKILL"


def test_a_grandchild_that_holds_the_pipes_hides_no_death(
    manager: ProcessManager, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, subprocess, sys\n"
        "from bridgekit import PythonBridge\n"
        "class Parent(PythonBridge):\n"
        "    def beget(self):\n"
        "        fds = [fd for fd in range(3, 32) if os.path.exists(f'/proc/self/fd/{fd}')]\n"
        "        child = subprocess.Popen(['sleep', '1000'], pass_fds=fds, process_group=0)\n"
        "        return child.pid\n"
        "    def die(self):\n"
        "        os._exit(3)\n"
        "    def add(self, a, b):\n"
        "        return a + b\n"
        "Parent().run()\n"
    )
    backend = manager.spawn(script, restart=AT_ONCE)
    grandchildren = [backend.call("beget")]
    try:
        failing(backend, "die", timeout=DEADLINE)
        grandchildren.append(backend.call("beget", timeout=DEADLINE))
        assert all(lives(pid) for pid in grandchildren)
        backend.terminate()
        assert not lives(backend.pid)
    finally:
        for pid in grandchildren:
            os.kill(pid, signal.SIGKILL)


def test_a_full_queue_of_a_paused_backend_ends_with_its_stop(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, queue_limit=3)
    backend.pause()
    waiting = [Task(backend.call, "add", [1, 1], timeout=None) for _ in range(3)]
    until(lambda: backend.status.queued == 3)
    with pytest.raises(QueueFull):
        backend.call("add", [1, 1])
    backend.terminate(grace=0.5)
    for task in waiting:
        with pytest.raises(BackendError, match="stopped by its host"):
            task.wait()


def test_a_late_reply_may_cross_the_timeout(manager: ProcessManager) -> None:
    """Whoever was not late gets its own result, never that of a call that was given up."""
    backend = manager.spawn(MENU, workers=2, concurrency=2, cancel_grace=DEADLINE)

    def some(me: int) -> int:
        late = 0
        for number in range(60):
            try:
                value = [me, number]
                timeout = 0.0002 * (number % 7)
                assert backend.call("echo", {"value": value}, timeout=timeout) == value
            except CallTimeout:
                late += 1
        return late

    assert sum(task.wait() for task in [Task(some, me) for me in range(6)])
    at_rest(backend)
    assert backend.status.restarts == 0


def test_a_late_worker_gets_no_calls_until_it_is_back() -> None:
    with ProcessManager(cancel_grace=30.0) as manager:
        backend = manager.spawn(MOODY, workers=2)
        all_ready(backend, 2)
        both = {status.pid for status in backend.statuses}
        with pytest.raises(CallTimeout):
            backend.call("hold", [1.0], timeout=0.05)
        (late,) = (one.pid for one in backend.statuses if one.in_flight)
        for _ in range(20):
            assert backend.call("pid", timeout=DEADLINE) != late
        until(lambda: backend.status.in_flight == 0)
        calls = [Task(backend.call, "sleep", [0.05], timeout=DEADLINE) for _ in range(4)]
        assert {call.wait() for call in calls} == both


def test_other_code_that_waits_for_every_child(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart=AT_ONCE)
    pid = backend.pid
    os.kill(pid, signal.SIGKILL)
    steal(pid)  # or the janitor was quicker
    until(lambda: backend.pid != pid)
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2

    def take_all() -> None:
        try:
            while True:
                os.waitpid(-1, 0)
        except ChildProcessError:
            pass

    thief = Task(take_all)
    backend.terminate()
    thief.wait()
    assert backend.status.state == "stopped"
    assert not lives(backend.pid)


def test_a_fork_that_holds_every_pipe_hides_no_death() -> None:
    with ProcessManager() as manager:
        backend = manager.spawn(MOODY, restart=AT_ONCE)
        with forked_copy():
            pid = backend.pid
            failing(backend, "die", timeout=DEADLINE)
            assert backend.call("pid", timeout=DEADLINE) != pid
    with forked_copy(), ProcessManager() as manager:
        backend = manager.spawn(MOODY)
        with forked_copy():
            assert backend.call("add", [1, 1]) == 2
            backend.terminate()
            assert not lives(backend.pid)


def test_the_deaths_of_one_manager_are_nothing_to_another(manager: ProcessManager) -> None:
    calm = manager.spawn(MOODY)
    with ProcessManager() as other:
        wild = other.spawn(MOODY, restart=AT_ONCE)
        assert wild.name == calm.name
        call = Task(calm.call, "sleep", [0.1])
        failing(wild, "die")
        assert wild.call("add", [1, 1], timeout=DEADLINE) == 2
        call.wait()
    assert calm.call("add", [1, 1]) == 2
    assert calm.status.restarts == calm.status.failed_calls == 0
    assert manager._hub.budget.used == 1


def test_max_processes_is_shared_fairly_and_never_exceeded() -> None:
    with ProcessManager(max_processes=2) as manager:
        one = manager.spawn(MOODY, name="one", idle_timeout=0.02)
        two = manager.spawn(MOODY, name="two", idle_timeout=0.02)
        three = Task(manager.spawn, MOODY, name="three", idle_timeout=0.02)
        most = [0]

        def some(number: int) -> None:
            for backend in (one, two, three.wait()):
                assert backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
                most[0] = max(most[0], manager._hub.budget.used)

        for task in [Task(some, number) for number in range(6)]:
            task.wait()
        assert most[0] <= 2


def test_a_consumer_of_events_that_stalls_delays_nobody(manager: ProcessManager) -> None:
    backend = manager.spawn(MENU, restart=AT_ONCE)
    stalled = threading.Event()
    backend.on("tick", lambda _: stalled.wait(DEADLINE))
    with backend.events("tick", max_events=10):  # nobody reads it
        try:
            for _ in range(3):
                assert backend.call("fire", ["tick", 500], timeout=DEADLINE) == 500
                with pytest.raises(BackendDied):
                    backend.call("die", timeout=DEADLINE)
            assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
            backend.restart()
            assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
            assert backend.status.dropped_events >= 3 * 490
        finally:
            stalled.set()


@pytest.mark.slow
def test_hundreds_of_starts_and_stops_leave_nothing() -> None:
    """The guard of every test looks for descriptors, threads and processes; this for the rest."""

    def cycle(number: int) -> None:
        backend = manager.spawn(MOODY, name="cycle")
        assert backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
        if number % 3 == 2:
            os.kill(backend.pid, signal.SIGKILL)
        backend.terminate(grace=0.0 if number % 3 == 1 else None)

    with ProcessManager() as manager:
        anchor = manager.spawn(MOODY, name="anchor")
        for number in range(3):
            cycle(number)
        descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        for number in range(200):
            cycle(number)
        until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
        until(lambda: threading.active_count() <= threads)
        assert len(manager._hub.drivers) == manager._hub.budget.used == 1
        anchor.terminate()
        assert manager._hub.janitor is None


@pytest.mark.slow
def test_a_hundred_children_stop_in_parallel_within_the_grace() -> None:
    options: dict[str, Any] = {"env": {"LINGER": "1"}, "start_timeout": 60}
    with ProcessManager(max_processes=100, stop_grace=3.0) as manager:
        backends = [manager.spawn(MOODY, workers=10, **options) for _ in range(10)]
        for backend in backends:
            all_ready(backend, 10)
        pids = [status.pid for backend in backends for status in backend.statuses]
        started = time.monotonic()
    # Each sleeps in its shutdown hook; one after the other they would take five minutes.
    assert time.monotonic() - started < 3.0 + 2.0
    assert len(pids) == 100
    assert not any(lives(pid) for pid in pids if pid)
