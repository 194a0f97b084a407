"""The shortest way: taken where it may be, and equal to the long one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bridgekit import CallTimeout, EncodeError, FrameTooLarge
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.calls import LoneCall
from bridgekit.blocking.channel import Channel
from bridgekit.blocking.driving import BlockingDriver
from bridgekit.blocking.knocker import Knocker
from bridgekit.wire.quick import LARGE
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU, plain


@pytest.fixture
def long_calls(monkeypatch) -> list[str]:
    """The methods that were called in another way, and whether the policy was asked."""
    methods: list[str] = []
    alone, asked = Channel.call_alone, BlockingDriver.call

    def call_alone(self: Channel, call: LoneCall) -> bool:
        methods.append(call.method)
        return alone(self, call)

    def call(self: BlockingDriver, method: str, *args: Any) -> Any:
        methods.append(method + " asked")
        return asked(self, method, *args)

    monkeypatch.setattr(Channel, "call_alone", call_alone)
    monkeypatch.setattr(BlockingDriver, "call", call)
    return methods


VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, "", "text", "null", "ü€🎉", "\x00\x1f\"\\", 2**53, 2**63, 2**64,
    -(2**63), 10**30, 1e22, 12345678901234567890.0, [], {}, [None], {"a": {"b": [1, "null"]}},
    "x" * 200, "x" * 5000, "x" * 100_000, list(range(1000)),
    [[[[[[[[1]]]]]]]], "n", {"n": "nn"}, (1, 2),
]  # fmt: skip


def test_every_value_comes_back_as_it_does_the_long_way(menu: Backend) -> None:
    long = type(menu).call.__get__(menu)
    for value in VALUES:
        for timeout in (5, 5.0, 0.5e1, None):
            short = menu.call("echo", {"value": value}, timeout=timeout)
            assert short == long("echo", {"value": value}, timeout=timeout)
            assert short == (list(value) if isinstance(value, tuple) else value)
            assert type(short) is (list if isinstance(value, tuple) else type(value))


def test_ordinary_calls_take_it_and_others_do_not(menu: Backend, long_calls: list[str]) -> None:
    for _ in range(3):
        menu.call("echo", {"value": 1}, timeout=5)
        menu.call("add", {"a": 1, "b": 2})
        menu.call("add", [1, 2])
        menu.call("add", {"a": 1}, timeout=None)
    assert long_calls == []
    menu.call("pid")
    menu.call("add", (1, 2))
    menu.call("work", {"steps": 1}, on_event=lambda event: None)
    menu.call("pid", idempotent=True)
    assert long_calls == ["pid", "add", "work asked", "pid asked"]


def test_large_requests_are_encoded_once_and_mean_the_same(menu: Backend) -> None:
    for size in (LARGE - 100, LARGE, 5 * LARGE):
        for value in ("%b" * (size // 2), "\u00e4" * (size // 6), [1.5, None, "y" * size]):
            for _ in range(2):
                assert menu.call("echo", {"value": value}, timeout=DEADLINE) == value
    with pytest.raises(FrameTooLarge):
        menu.call("echo", {"value": "x" * (16 << 20)}, timeout=DEADLINE)
    assert menu.call("echo", {"value": 1}, timeout=DEADLINE) == 1


@pytest.mark.parametrize("sleeps", [True, False])
@pytest.mark.parametrize("timeout", [5, 30.0, 1e9])
def test_it_waits_for_a_slow_answer_itself(
    manager: ProcessManager, monkeypatch, timeout: float, sleeps: bool
) -> None:
    if not sleeps:
        monkeypatch.setattr(Knocker, "open", lambda self: None)
    menu = manager.spawn(MENU)
    helped: list[object] = []
    real = Channel._read_for_all
    menu.call("sleep", {"seconds": 0}, timeout=timeout)

    def read_for_all(self: Channel, awaited: Any, *args: Any) -> None:
        helped.append(awaited)
        real(self, awaited, *args)

    monkeypatch.setattr(Channel, "_read_for_all", read_for_all)
    for _ in range(10):
        menu.call("sleep", {"seconds": 0.001}, timeout=timeout)
    assert helped == []


def test_while_somebody_leads_others_go_the_long_way(menu: Backend, long_calls: list[str]) -> None:
    nap = Task(menu.call, "nap", {"seconds": 0.5})
    until(lambda: menu.status.in_flight)
    assert menu.call("add", {"a": 1}) == 1
    nap.wait()
    assert long_calls == ["add asked"]


def test_bad_values_are_explained_and_leave_nothing_behind(menu: Backend) -> None:
    for value in (math.nan, math.inf, object(), {1: 2, (3,): 4}, [[]] * 3):
        nested: Any = value
        for _ in range(140):
            nested = [nested]
        with pytest.raises(EncodeError):
            menu.call("echo", {"value": nested}, timeout=5)
    assert menu.status.in_flight == 0
    assert menu.call("echo", {"value": 1}, timeout=5) == 1


@pytest.mark.parametrize("timeout", [0, 0.0, -5, 1e-9])
def test_no_time_at_all(menu: Backend, timeout: float) -> None:
    with pytest.raises(CallTimeout):
        menu.call("sleep", {"seconds": 9}, timeout=timeout)
    assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1


def test_more_time_than_a_poll_can_wait(menu: Backend) -> None:
    assert menu.call("add", {"a": 1}, timeout=1e12) == 1
    assert menu.call("add", {"a": 1}, timeout=math.inf) == 1
    assert menu.call("add", {"a": 1}, timeout=10**400) == 1


def test_many_timeouts_and_methods_are_remembered_only_so_far(menu: Backend) -> None:
    for n in range(600):
        assert menu.call("add", {"a": n}, timeout=5 + n / 1000) == n


def test_names_that_look_like_templates(menu: Backend) -> None:
    for name in ("100%", "%d", "%b%b", "\\0", 'quo"te', "ü"):
        for _ in range(2):
            with pytest.raises(AttributeError) as caught:
                menu.call(name, {"a": 1}, timeout=5)
            assert caught.value.method == name  # type: ignore[attr-defined]


def test_a_plain_backend_is_told_no_timeout(manager: ProcessManager) -> None:
    backend = manager.spawn(plain("ready"))
    for _ in range(3):
        assert backend.call("echo", {"x": 1}, timeout=5) == {"x": 1}


def test_events_before_the_answer(menu: Backend) -> None:
    seen: list[int] = []
    menu.on("tick", lambda event: seen.append(event.data["n"]))
    for _ in range(20):
        assert menu.call("fire", {"topic": "tick", "count": 1}, timeout=5) == 1
    until(lambda: len(seen) == 20)


def test_without_orjson(manager: ProcessManager, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "orjson", None)
    menu = manager.spawn(MENU)
    for value in VALUES[:20]:
        assert menu.call("echo", {"value": value}, timeout=5) == value
