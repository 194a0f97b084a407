"""One generation: what the janitor sees of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import pytest

from bridgekit import BackendDied, BackendStartError
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


def test_death_while_idle_is_noticed(menu: Backend) -> None:
    os.kill(menu.pid, signal.SIGKILL)
    menu.wait()
    until(lambda: menu.status.state == "failed")
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.signal == "SIGKILL"
    with pytest.raises(BackendDied, match="SIGKILL"):
        menu.call("add", {"a": 1})


def test_once_it_is_ready_nobody_is_woken_for_its_start(manager: ProcessManager) -> None:
    backends = [manager.spawn(MENU, start_timeout=3600) for _ in range(2)]
    janitor = worker_of(backends[0])._janitor
    left = time.monotonic() + 1800
    assert not [moment for moment, _, _ in janitor._timers if moment > left]


def test_nor_for_one_that_never_got_ready(manager: ProcessManager) -> None:
    manager.spawn(MENU, name="stays")
    with pytest.raises(BackendStartError):
        manager.spawn([sys.executable, "-c", "raise SystemExit(3)"], start_timeout=3600)
    janitor = worker_of(manager.backends["stays"])._janitor
    left = time.monotonic() + 1800
    until(lambda: not [moment for moment, _, _ in janitor._timers if moment > left])


def test_death_is_told_to_the_log(menu: Backend, caplog) -> None:
    with pytest.raises(BackendDied):
        menu.call("die", {"code": 5})
    menu.terminate()
    assert "exit code 5" in caplog.text


def test_an_end_that_is_seen_before_its_status_is_there(
    menu: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = worker_of(menu).child._watch
    ended, early = watch.ended, [True] * 3
    monkeypatch.setattr(type(watch), "ended", lambda _: not (early and early.pop()) and ended())
    with pytest.raises(BackendDied, match="exit code 5"):
        menu.call("die", {"code": 5}, timeout=DEADLINE)
    assert not early


def test_waitpid_by_other_code_is_tolerated(menu: Backend) -> None:
    waiting = Task(menu.call, "sleep", {"seconds": 60}, timeout=None)
    until(lambda: menu.status.in_flight)
    watch = worker_of(menu).child._watch

    class Thief:
        """Takes the status just before it is collected."""

        def __getattr__(self, name: str) -> Any:
            return getattr(watch, name)

        def holds_number(self) -> bool:
            os.waitpid(menu.pid, 0)
            return watch.holds_number()

    worker_of(menu).child._watch = Thief()
    os.kill(menu.pid, signal.SIGKILL)
    with pytest.raises(BackendDied, match="unknown"):
        waiting.wait()


def test_everything_it_printed_before_it_died_is_heard(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU)
    heard: list[str] = []
    menu.on("$/output", lambda event: heard.append(event.data["text"]))
    menu.call("whisper", {"text": "x" * 200_000 + "end"}, timeout=DEADLINE)
    with pytest.raises(BackendDied) as caught:
        menu.call("die")
    menu.terminate()
    text = "".join(heard)
    assert text.count("x") >= 200_000
    assert text.endswith("my last words\n")
    assert caught.value.stderr.endswith("my last words\n")
    assert len(caught.value.stderr) <= 8192


def test_fifty_generations_leave_nothing_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    with ProcessManager(stop_grace=5) as manager:
        for _ in range(10):
            with manager.spawn(MENU) as menu:
                assert menu.call("add", {"a": 1}) == 1
            assert not manager._hub.drivers
    until(lambda: set(os.listdir("/proc/self/fd")) <= before)
