"""call_many for threads."""

from __future__ import annotations

import time

import pytest

from bridgekit import BackendDied, CallTimeout, FrameTooLarge, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task
from tests.host.support import DEADLINE, MENU, plain
from tests.support.blocking import worker_of


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_results_in_order(menu: Backend, count: int) -> None:
    items = [{"a": n, "b": 1} for n in range(count)]
    assert menu.call_many("add", items) == [n + 1 for n in range(count)]
    assert menu.status.in_flight == 0


def test_what_was_learnt_about_a_method_lasts(menu: Backend) -> None:
    for _ in range(3):
        menu.call_many("add", [{"a": n} for n in range(200)])
    sizers = worker_of(menu).channel.sizers
    assert sizers["add"].size > 8
    menu.call_many("echo", [{"value": "x" * 20_000}] * 3)
    assert sizers["echo"].size < 8


def test_params_of_every_kind(menu: Backend) -> None:
    assert menu.call_many("add", [[1, 2], (3, 4), {"a": 5}]) == [3, 7, 5]
    assert menu.call_many("pid", [None, None]) == [menu.pid] * 2


def test_the_first_failure_is_raised_and_named(menu: Backend) -> None:
    items = [{"a": 1}, {"a": "no"}, {"a": 3}]
    with pytest.raises(Exception, match="a") as caught:
        menu.call_many("add", items)
    assert any("item 1 (of 3" in note for note in caught.value.__notes__)
    values = menu.call_many("add", items, return_exceptions=True)
    assert (values[0], values[2]) == (1, 3)
    assert isinstance(values[1], Exception)


def test_each_call_has_its_own_time(menu: Backend) -> None:
    assert menu.call_many("sleep", [{"seconds": 0.05}] * 12, timeout=1.0) == ["slept"] * 12
    with pytest.raises(CallTimeout):
        menu.call_many("sleep", [{"seconds": 0}, {"seconds": 60}], timeout=0.2)
    assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1


def test_a_call_that_hangs_is_noticed_however_many_come_after_it(menu: Backend) -> None:
    menu.call_many("sleep", [{"seconds": 0}] * 300)
    assert worker_of(menu).channel.sizers["sleep"].size > 50
    started = time.monotonic()
    items = [{"seconds": 0}] * 5 + [{"seconds": 60}] + [{"seconds": 0}] * 40
    values = menu.call_many("sleep", items, timeout=0.5, return_exceptions=True)
    assert time.monotonic() - started < 10  # and not 0.5 s for each of them
    assert isinstance(values[5], CallTimeout)
    assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1


def test_large_items_are_cut_to_fit(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU, max_frame=100_000)
    items = [{"value": "x" * 30_000}] * 9
    assert menu.call_many("echo", items) == ["x" * 30_000] * 9
    with pytest.raises(FrameTooLarge):
        menu.call_many("echo", [{"value": "x" * 200_000}])


def test_death_on_the_way(menu: Backend) -> None:
    items = [{"value": 1}] * 3
    with pytest.raises(BackendDied):
        menu.call_many("kill_self", [None] * 3)
    values = menu.call_many("echo", items, return_exceptions=True)
    assert len(values) == 3
    assert all(isinstance(value, BackendDied) for value in values)


def test_backends_without_batches(manager: ProcessManager) -> None:
    backend = manager.spawn(plain("ready"))
    items = [{"a": n, "b": 1} for n in range(300)]
    assert backend.call_many("add", items) == [n + 1 for n in range(300)]
    with pytest.raises(RemoteError):
        backend.call_many("fail", [None, None])
    values = backend.call_many("fail", [None, None], return_exceptions=True)
    assert [type(value) for value in values] == [RemoteError, RemoteError]


def test_several_threads_at_once(menu: Backend) -> None:
    items = [{"a": n} for n in range(2000)]
    tasks = [Task(menu.call_many, "add", items, timeout=DEADLINE) for _ in range(4)]
    assert menu.call("echo", {"value": "between"}) == "between"
    assert all(task.wait() == list(range(2000)) for task in tasks)
