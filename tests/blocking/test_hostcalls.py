"""Calls from a backend to functions of its host."""

from __future__ import annotations

import threading

import pytest

from bridgekit import RemoteError
from bridgekit.blocking import Backend, hostcalls
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE
from tests.support.blocking import worker_of


def test_each_runs_in_a_thread_of_its_own(menu: Backend) -> None:
    menu.expose("who", lambda: threading.current_thread().name)
    name = menu.call("ask_host", {"name": "who", "params": {}})
    assert name == "bridgekit-host-call-menu"


def test_what_a_function_raises_is_the_backends_error(menu: Backend) -> None:
    def fail() -> None:
        raise ValueError("not today")

    menu.expose("fail", fail)
    with pytest.raises(RemoteError, match="not today"):
        menu.call("ask_host", {"name": "fail", "params": {}})


def test_a_function_that_ends_its_thread_has_answered(menu: Backend) -> None:
    def leave() -> None:
        raise SystemExit(3)

    menu.expose("leave", leave)
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        menu.call("ask_host", {"name": "leave", "params": {}}, timeout=DEADLINE)
    until(lambda: not worker_of(menu)._host_calls._running)


def test_results_that_cannot_be_sent(menu: Backend) -> None:
    menu.expose("bad", object)
    with pytest.raises(RemoteError, match="cannot be sent"):
        menu.call("ask_host", {"name": "bad", "params": {}})


def test_async_functions_are_refused(menu: Backend) -> None:
    async def later() -> None:
        pass

    menu.expose("later", later)
    with pytest.raises(RemoteError, match="async function"):
        menu.call("ask_host", {"name": "later", "params": {}})


def test_too_many_at_once_are_refused(menu: Backend, monkeypatch) -> None:
    monkeypatch.setattr(hostcalls, "MOST", 0)
    menu.expose("never", lambda: None)
    with pytest.raises(RemoteError, match="already runs 0 calls"):
        menu.call("ask_host", {"name": "never", "params": {}})


def test_a_function_that_hangs_stops_nothing_else(menu: Backend) -> None:
    gate, entered = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        gate.wait(DEADLINE)

    menu.expose("hang", hang)
    asking = Task(menu.call, "ask_host", {"name": "hang", "params": {}}, timeout=DEADLINE)
    assert entered.wait(DEADLINE)
    assert menu.call("nap", {"seconds": 0}) == 0
    gate.set()
    asking.wait()
    until(lambda: not worker_of(menu)._host_calls._running)
