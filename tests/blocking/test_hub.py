"""Steps of the policy: taken once, whole, by whoever may; the janitor, as long as it is needed."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from bridgekit.blocking import ProcessManager, janitor
from bridgekit.blocking.hub import Changes, Errand, SharedHub
from bridgekit.policy.lifecycle import StateChange
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU


@pytest.fixture
def hub() -> Iterator[SharedHub]:
    hub = SharedHub(3)
    hub.hire("the test")
    yield hub
    hub.close()


class Gone:
    """A janitor that has ended, before or just after it was told something."""

    gone = True

    def __init__(self, over: bool) -> None:
        self.over = over

    def soon(self, _: Callable[[], None]) -> None:
        pass

    def dismiss(self) -> None:
        pass


def broken() -> None:
    raise ZeroDivisionError("ours")


# --- errands ----------------------------------------------------------------------------------


def test_an_errand_is_done_once_and_tells(hub: SharedHub) -> None:
    done: list[int] = []
    errand = Errand(hub, lambda: done.append(1) or "result")
    for task in [Task(errand) for _ in range(4)]:
        task.wait()
    assert errand.waiter.acquire(timeout=DEADLINE)
    assert errand.done
    assert errand.outcome() == "result"
    assert done == [1]


def test_an_error_is_raised_for_who_waits_and_logged_where_nobody_does(
    hub: SharedHub, caplog: pytest.LogCaptureFixture
) -> None:
    awaited = Errand(hub, broken)
    awaited()
    with pytest.raises(ZeroDivisionError):
        awaited.outcome()
    assert not caplog.text
    Errand(hub, broken, awaited=False)()
    assert "an internal error" in caplog.text
    assert "ZeroDivisionError: ours" in caplog.text


# --- steps --------------------------------------------------------------------------------------


def test_the_main_thread_has_its_steps_taken_and_others_take_them(hub: SharedHub) -> None:
    assert hub.run(threading.current_thread).name == "bridgekit-janitor"
    task = Task(hub.run, threading.current_thread)
    assert task.wait() is task._thread
    assert not hub.lock._is_owned()  # type: ignore[attr-defined]


def test_a_step_may_take_another(hub: SharedHub) -> None:
    assert hub.run(lambda: hub.run(lambda: "inner")) == "inner"
    assert Task(hub.run, lambda: hub.run(lambda: "inner")).wait() == "inner"


def test_steps_raise_what_they_raise(hub: SharedHub) -> None:
    with pytest.raises(ZeroDivisionError, match="ours"):
        hub.run(broken)
    with pytest.raises(ZeroDivisionError, match="ours"):
        Task(hub.run, broken).wait()
    assert hub.run(lambda: 1) == 1


def test_what_is_posted_is_done_before_what_follows(hub: SharedHub) -> None:
    def work() -> list[int]:
        done: list[int] = []
        for number in range(20):
            hub.post(partial(done.append, number))
        return hub.run(lambda: list(done))

    assert work() == Task(work).wait() == list(range(20))


def test_what_is_posted_raises_nothing(hub: SharedHub, caplog: pytest.LogCaptureFixture) -> None:
    hub.post(broken)
    hub.run(lambda: None)
    Task(hub.post, broken).wait()
    assert caplog.text.count("ZeroDivisionError: ours") == 2


def test_without_a_janitor_everybody_takes_the_steps() -> None:
    hub = SharedHub(1)
    done: list[int] = []
    assert hub.run(threading.current_thread) is threading.main_thread()
    hub.post(lambda: done.append(1))
    assert done == [1]


def test_where_the_janitor_has_just_gone_who_waits_takes_the_step() -> None:
    hub = SharedHub(1)
    hub.janitor = Gone(over=True)  # type: ignore[assignment]
    done: list[int] = []
    assert hub.run(lambda: done.append(1) or "result") == "result"
    hub.post(lambda: done.append(2))
    assert done == [1, 2]


def test_the_janitor_does_what_it_was_told_before_it_was_over() -> None:
    done = []
    servant = janitor.Janitor()
    servant.children = 1
    servant.soon(lambda: servant.soon(lambda: done.append(servant.over)))
    servant.dismiss()
    until(lambda: servant.gone)
    assert done
    assert servant.over


# --- the janitor ----------------------------------------------------------------------------------


def test_it_is_kept_while_anybody_needs_it(hub: SharedHub) -> None:
    servant = hub.janitor
    assert servant is not None
    for _ in range(3):  # somebody was interrupted and asks again
        assert hub.hire("another") is servant
    hub.dismiss("the test")
    hub.dismiss("the test")
    assert hub.janitor is servant
    hub.dismiss("another")
    assert hub.janitor is None
    hub.dismiss("another")
    until(lambda: servant.gone)


def test_an_interrupt_leaves_no_half_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = SharedHub(1)
    begin = _thread.start_new_thread

    def interrupted(*args: Any) -> None:
        begin(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr("bridgekit.blocking.hub.start_new_thread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hub.hire("the test")
    servant = hub.janitor
    assert servant is not None
    hub.dismiss("the test")
    until(lambda: servant.gone)


def test_in_a_step_of_the_main_thread_it_is_hired_at_once() -> None:
    hub = SharedHub(1)
    with hub.lock:
        assert hub.hire("the test") is hub.janitor
    hub.dismiss("the test")


def test_where_there_can_be_none_who_asks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "hire", broken)
    with pytest.raises(ZeroDivisionError):
        SharedHub(1).hire("the test")


def test_closing_needs_it_no_more(hub: SharedHub) -> None:
    servant = hub.janitor
    hub.close()
    assert hub.janitor is None
    assert servant is not None
    until(lambda: servant.gone)


# --- changes ------------------------------------------------------------------------------------


def change(number: int) -> StateChange:
    return StateChange("x", number, "stopped", "starting", "why not", 0.0)


def test_changes_are_read_in_order_until_the_end(hub: SharedHub) -> None:
    changes = Changes(hub)
    assert hub.observed
    for number in range(3):
        hub.tell(change(number))
    assert [next(changes).worker for _ in range(3)] == [0, 1, 2]
    reader = Task(lambda: [each.worker for each in changes])
    hub.tell(change(7))
    hub.close()
    assert reader.wait() == [7]
    assert not hub.observed
    assert list(changes) == []


def test_who_closes_its_changes_reads_what_was_there_and_no_more(hub: SharedHub) -> None:
    changes = Changes(hub)
    hub.tell(change(1))
    changes.close()
    hub.tell(change(2))
    assert [each.worker for each in changes] == [1]


def test_every_step_of_a_life_is_told() -> None:
    with ProcessManager() as manager:
        changes = manager.changes()
        menu = manager.spawn(MENU)
        menu.call("add", [1, 1])
        menu.terminate()
    steps = list(changes)
    assert [(step.old, step.new) for step in steps] == [
        ("stopped", "starting"),
        ("starting", "ready"),
        ("ready", "busy"),
        ("busy", "ready"),
        ("ready", "stopping"),
        ("stopping", "stopped"),
    ]
    assert {(step.backend, step.worker) for step in steps} == {("menu", 0)}
    assert all(step.reason for step in steps)


def test_a_stalled_reader_delays_nothing(manager: ProcessManager) -> None:
    stalled = manager.changes()
    menu = manager.spawn(MENU)
    for _ in range(200):
        menu.call("add", [1, 1])
    assert next(stalled).new == "starting"
    assert stalled.dropped == 0


def test_a_reader_that_waits_is_woken() -> None:
    with ProcessManager() as manager:
        changes = manager.changes()
        reader = Task(lambda: [each.new for each in changes])
        manager.spawn(MENU)
    seen: Any = reader.wait()
    assert seen[:2] == ["starting", "ready"]
    assert seen[-1] == "stopped"


def test_a_listener_that_comes_late_is_told_of_what_follows(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU)
    assert menu.call("add", [1, 1]) == 2
    changes = manager.changes()
    call = Task(menu.call, "add", [1, 1])
    assert [next(changes).new for _ in range(2)] == ["busy", "ready"]
    assert call.wait() == 2
    del changes
