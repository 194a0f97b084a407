"""Walking down the ladder: every step in turn, over early, shared by all who stop."""

from __future__ import annotations

import sys
import time

import pytest

from bridgekit import CallTimeout
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task, until
from tests.host.support import MENU, lives, plain
from tests.support.blocking import worker_of


def ended(backend: Backend) -> str:
    last = backend.status.last_exit
    assert last is not None
    return last.description


def test_a_good_backend_says_goodbye_and_ends_by_itself(menu: Backend) -> None:
    started = time.monotonic()
    menu.terminate(grace=60)
    assert time.monotonic() - started < 30
    assert ended(menu) == "exit code 0"


def test_a_busy_one_is_stopped_by_its_goodbye_or_a_signal(menu: Backend) -> None:
    busy = Task(menu.call, "sleep", {"seconds": 60}, timeout=None)
    until(lambda: menu.status.in_flight)
    menu.terminate(grace=1)
    with pytest.raises(Exception, match=r"stopped|shutting"):
        busy.wait()


def test_one_that_ignores_everything_is_killed(menu: Backend) -> None:
    menu.call("ignore_sigterm")
    menu.call("slow_shutdown")
    menu.terminate(grace=0.3)
    assert ended(menu) == "killed by SIGKILL"


def test_no_grace_kills_at_once(menu: Backend) -> None:
    menu.terminate(grace=0)
    assert ended(menu) == "killed by SIGKILL"


def test_a_second_caller_in_a_hurry_shortens_the_first_ones_grace(menu: Backend) -> None:
    menu.call("ignore_sigterm")
    menu.call("slow_shutdown")
    patient = Task(menu.terminate, grace=1000)
    until(lambda: menu.status.state == "stopping")
    menu.terminate(grace=0)
    patient.wait()
    assert ended(menu) == "killed by SIGKILL"


def test_a_patient_caller_gives_it_no_more_time(menu: Backend) -> None:
    menu.call("ignore_sigterm")
    menu.call("slow_shutdown")
    hasty = Task(menu.terminate, grace=0.5)
    until(lambda: menu.status.state == "stopping")
    menu.terminate(grace=1000)
    hasty.wait()
    assert ended(menu) == "killed by SIGKILL"


def test_one_that_knows_no_goodbye(manager: ProcessManager) -> None:
    backend = manager.spawn(plain("ready"))
    backend.terminate()
    assert ended(backend) == "exit code 0"


def test_one_that_cannot_be_killed_is_given_up(menu: Backend, monkeypatch) -> None:
    worker = worker_of(menu)
    monkeypatch.setattr("bridgekit.host.shutdown.KILL_WAIT", 0.1)
    monkeypatch.setattr("bridgekit.blocking.reading.LONGEST", 0.1)
    monkeypatch.setattr(worker.child, "kill", lambda: None)
    waiting = Task(menu.call, "sleep", {"seconds": 60}, timeout=None, idempotent=True)
    until(lambda: menu.status.in_flight)
    menu.terminate(grace=0)
    with pytest.raises(Exception, match=r"stopped|stuck"):
        waiting.wait()
    monkeypatch.undo()
    worker.child.kill()
    until(lambda: worker.ended_at is not None)


def test_a_backend_that_reads_nothing_of_very_much_can_be_stopped() -> None:
    deaf = (
        "import os, time\n"
        'os.write(1, b\'{"id":0,"cmd":"ready","status":"success","result":{}}\' + bytes(1))\n'
        "time.sleep(600)"
    )
    with ProcessManager(stop_grace=0.2) as manager:
        backend = manager.spawn([sys.executable, "-c", deaf])
        with pytest.raises(CallTimeout):
            backend.call("echo", ["x" * 3_000_000], timeout=0.5)
    assert backend.status.last_exit is not None


def test_an_interrupt_before_the_first_step_kills_all(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = ProcessManager()
    backends = [manager.spawn(MENU, restart="never") for _ in range(2)]

    def interrupted(grace: float | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backends[1]._driver, "begin_stop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.close()
    for backend in backends:
        until(lambda backend=backend: not lives(backend.pid))
    monkeypatch.undo()
    manager.close()
