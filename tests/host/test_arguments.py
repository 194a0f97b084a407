"""Both faces refuse arguments that cannot be meant, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from bridgekit import ProcessManager, blocking
from bridgekit.host.arguments import (
    checked_grace,
    checked_items,
    checked_method,
    checked_priority,
    checked_timeout,
)
from bridgekit.host.instruments import Instrument
from tests.host.support import DEADLINE, MENU

TIMEOUTS = [
    (math.nan, ValueError, "timeout must be a number of seconds, or None for no limit, not nan"),
    ("5", TypeError, "timeout must be a number of seconds, or None for no limit, not '5'"),
    (True, TypeError, "not True"),
]
GRACES = [
    (
        "5",
        TypeError,
        "grace must be a number of seconds, or None for the spec's stop_grace, not '5'",
    ),
    (True, TypeError, "not True"),
    (math.nan, ValueError, "not nan"),
    (math.inf, ValueError, "not inf"),
]
ITEMS = [
    (3, TypeError, "items must be a list with the parameters of one call each .*, not 3"),
    (None, TypeError, "items must be a list .*, not None"),
    ("ab", TypeError, "not 'ab'"),
    ({"a": 1}, TypeError, "not {'a': 1}"),
]
METHODS = [(5, TypeError, "not 5"), (None, TypeError, "not None"), ("", ValueError, "empty")]


@pytest.mark.parametrize("good", [None, 0, 0.0, 1, 2.5, math.inf])
def test_good_timeouts_stay_what_they_are(good: Any) -> None:
    assert checked_timeout(good) is good


def test_a_time_below_zero_is_over() -> None:
    assert checked_timeout(-1) == checked_timeout(-math.inf) == 0


def test_an_error_names_the_argument() -> None:
    with pytest.raises(TypeError, match="item_timeout must be a number of seconds"):
        checked_timeout("1", "item_timeout")
    assert checked_method("add") == "add"


def refused(values: list[Any], offer: Callable[[Any], Any]) -> None:
    for value, kind, text in values:
        with pytest.raises(kind, match=text):
            offer(value)


def test_blocking_calls_refuse_them() -> None:
    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        for _ in range(2):  # a lone caller remembers what it has sent
            refused(TIMEOUTS, lambda t: menu.call("add", {"a": 1}, timeout=t))
            refused(TIMEOUTS, lambda t: menu.call("add", [1], timeout=t))
            refused(METHODS, lambda m: menu.call(m, {"a": 1}))
            refused(METHODS, lambda m: menu.call(m, [1], timeout=None))
            assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1
        refused(TIMEOUTS, lambda t: menu.call_many("add", [[1]], timeout=t))
        refused(METHODS, lambda m: menu.call_many(m, [[1]]))
        refused(TIMEOUTS, lambda t: menu.stream("rows", [1], timeout=t))
        refused(TIMEOUTS, lambda t: menu.stream("rows", [1], item_timeout=t))
        refused(METHODS, lambda m: menu.stream(m, [1]))
        refused(TIMEOUTS, lambda t: manager.execute("return 1", timeout=t))
        assert menu.status.in_flight == 0


async def test_async_calls_refuse_them() -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        for timeout, kind, text in TIMEOUTS:
            with pytest.raises(kind, match=text):
                await menu.call("add", {"a": 1}, timeout=timeout)
            with pytest.raises(kind, match=text):
                await menu.call("add", {"a": 1}, timeout=timeout, idempotent=True)
            with pytest.raises(kind, match=text):
                await menu.call_many("add", [[1]], timeout=timeout)
            with pytest.raises(kind, match=text):
                menu.stream("rows", [1], timeout=timeout)
            with pytest.raises(kind, match=text):
                await manager.execute("return 1", timeout=timeout)
        for method, kind, text in METHODS:
            with pytest.raises(kind, match=text):
                await menu.call(method, {"a": 1})
            with pytest.raises(kind, match=text):
                await menu.call_many(method, [[1]])
            with pytest.raises(kind, match=text):
                menu.stream(method, [1])
        assert await menu.call("add", {"a": 1}, timeout=DEADLINE) == 1
        assert menu.status.in_flight == 0


async def test_a_priority_that_compares_with_nothing_stops_no_queue(anyio_backend: str) -> None:
    """Once in the queue it made every look at it fail, and nobody got a worker any more."""
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        for priority in ("high", None, math.nan, 1.5):
            with pytest.raises(TypeError, match="priority must be a whole number, not "):
                await menu.call("add", {"a": 1}, priority=priority)
            with pytest.raises(TypeError, match="priority must be"):
                await menu.call("add", {"a": 1}, priority=priority, idempotent=True)
        assert await menu.call("add", {"a": 1}, timeout=DEADLINE, priority=-1) == 1


def test_a_priority_in_the_queue_of_threads() -> None:
    assert checked_priority(True) == 1
    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        with pytest.raises(TypeError, match="priority must be"):
            menu.call("add", {"a": 1}, priority="high", idempotent=True)
        assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1


def test_good_graces_and_items_stay_what_they_are() -> None:
    assert [checked_grace(grace) for grace in (None, 0, 2.5, -1, -math.inf)] == [None, 0, 2.5, 0, 0]
    for items in ([[1]], ([1],), iter([[1]])):
        assert checked_items(items) is items


def test_a_grace_that_is_no_time_leaves_the_backend_alone() -> None:
    """It failed in the middle of the stop, and whoever waited for the end did so for ever."""
    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        refused(GRACES, lambda grace: menu.terminate(grace=grace))
        assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1
        menu.terminate(grace=-1)


async def test_nor_does_it_stop_half_of_it_on_an_event_loop(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        for grace, kind, text in GRACES:
            with pytest.raises(kind, match=text):
                await menu.terminate(grace=grace)
        assert await menu.call("add", {"a": 1}, timeout=DEADLINE) == 1
        await menu.terminate(grace=-1)


@pytest.mark.parametrize("instruments", [(), (Instrument(),)])
def test_a_list_of_calls_must_be_one(instruments: Any) -> None:
    with blocking.ProcessManager(instruments=instruments) as manager:
        menu = manager.spawn(MENU)
        refused(ITEMS, lambda items: menu.call_many("add", items))


@pytest.mark.parametrize("instruments", [(), (Instrument(),)])
async def test_a_list_of_calls_must_be_one_on_an_event_loop(instruments: Any) -> None:
    async with ProcessManager(instruments=instruments) as manager:
        menu = await manager.spawn(MENU)
        for items, kind, text in ITEMS:
            with pytest.raises(kind, match=text):
                await menu.call_many("add", items)


def test_a_handler_must_be_callable() -> None:
    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        with pytest.raises(
            TypeError, match="handler must be a function that takes an event, not 5"
        ):
            menu.on("tick", 5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_event must be a function"):
            menu.call("add", [1], on_event=5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_event must be a function"):
            menu.stream("rows", [1], on_event=5)  # type: ignore[arg-type]
        assert menu.status.in_flight == 0


def test_a_handler_that_nobody_would_await_is_refused() -> None:
    """Its coroutines were made and dropped, one for each event."""

    async def later(event: Any) -> None:
        pass

    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        with pytest.raises(TypeError, match="handler must be a plain function here"):
            menu.on("tick", later)
        with pytest.raises(TypeError, match="on_event must be a plain function here"):
            menu.call("add", [1], on_event=later)


async def test_nor_is_one_of_a_call_awaited_on_an_event_loop() -> None:
    async def later(event: Any) -> None:
        pass

    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        menu.on("tick", later)
        with pytest.raises(TypeError, match="on_event must be a plain function here"):
            await menu.call("add", [1], on_event=later)


async def test_a_handler_must_be_callable_on_an_event_loop() -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        with pytest.raises(
            TypeError, match="handler must be a function that takes an event, not 5"
        ):
            menu.on("tick", 5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_event must be a function"):
            await menu.call("add", [1], on_event=5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_event must be a function"):
            menu.stream("rows", [1], on_event=5)  # type: ignore[arg-type]
        assert menu.status.in_flight == 0


def test_integers_beyond_every_float() -> None:
    """Some died of them on the way, the backend too."""
    assert checked_timeout(10**400) == math.inf
    assert checked_timeout(-(10**400)) == 0
    with pytest.raises(ValueError, match="grace must be"):
        checked_grace(10**400)
    with blocking.ProcessManager() as manager:
        menu = manager.spawn(MENU)
        assert menu.call("add", [1, 2], timeout=10**400, idempotent=True) == 3
        assert menu.call_many("add", [[1, 2]], timeout=10**400) == [3]
        assert manager.execute("return 1", timeout=10**400) == 1
        with pytest.raises(ValueError, match=r"call_timeout=1000.* is not allowed"):
            manager.spawn(MENU, call_timeout=10**400)
