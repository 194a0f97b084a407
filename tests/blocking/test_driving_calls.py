"""Calls of a supervised backend from many threads: queued, sent again, given up, lost."""

from __future__ import annotations

import inspect
import os
import signal
import threading
from pathlib import Path

import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    BridgeError,
    CallTimeout,
    QueueFull,
    RemoteError,
    RestartPolicy,
)
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task, all_ready, at_rest, failing, until
from tests.host.supervision_support import AT_ONCE, MOODY
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


@pytest.fixture
def moody(manager: ProcessManager) -> Backend:
    return manager.spawn(MOODY, restart=AT_ONCE)


def test_idempotent_calls_are_sent_again_once(moody: Backend, tmp_path: Path) -> None:
    marker = str(tmp_path / "marker")
    pid = moody.call("die_once", [marker], idempotent=True, timeout=DEADLINE)
    assert pid == moody.pid
    with pytest.raises(BackendDied):
        moody.call("die", idempotent=True, timeout=DEADLINE)
    assert moody.call("add", [1, 1], idempotent=True, timeout=DEADLINE) == 2


def test_so_are_those_of_methods_declared_idempotent(moody: Backend, tmp_path: Path) -> None:
    assert moody.call("add", [1, 1]) == 2  # a lone caller's way is open
    assert "idempotent" in inspect.signature(moody.call).parameters
    for marker in ("first", "after a restart"):
        pid = moody.call("look_once", [str(tmp_path / marker)], timeout=DEADLINE)
        assert pid == moody.pid
    assert moody.status.restarts == 2
    moody.pause(freeze=False)
    waiting = Task(moody.call, "look_once", [str(tmp_path / "queued")], timeout=DEADLINE)
    until(lambda: moody.status.queued)
    moody.resume()
    assert waiting.wait() == moody.pid
    with pytest.raises(TypeError):
        moody.call(["look_once"])  # type: ignore[arg-type]


def test_queued_calls_wait_for_the_replacement(moody: Backend) -> None:
    last = Task(failing, moody, "sleep", 60)
    until(lambda: moody.status.in_flight)
    calls = [Task(moody.call, "add", [number, 0], timeout=DEADLINE) for number in range(20)]
    until(lambda: moody.status.queued == 20)
    os.kill(moody.pid, signal.SIGKILL)
    last.wait()
    assert [call.wait() for call in calls] == list(range(20))


def test_a_queue_has_an_end_and_an_order(manager: ProcessManager) -> None:
    order: list[int] = []
    backend = manager.spawn(MOODY, queue_limit=3)

    def one(number: int) -> None:
        backend.call("add", [number, 0], priority=number, timeout=DEADLINE)
        order.append(number)

    with manager.spawn(MOODY, name="other") as other:
        first = Task(backend.call, "sleep", [60], timeout=None)
        until(lambda: backend.status.in_flight)
        calls = []
        for number in (1, 3, 2):
            calls.append(Task(one, number))
            until(lambda: backend.status.queued == len(calls))
        with pytest.raises(QueueFull, match="queue_limit=3"):
            backend.call("add", [1, 1])
        assert other.call("add", [1, 1]) == 2
    backend.pause(freeze=False)
    with backend._driver.hub.lock:  # in one go, so that nothing comes between
        waiting = sorted(backend._driver.pool.queue._heap)
        assert [ticket.call.params[0] for _, _, ticket in waiting] == [3, 2, 1]
    backend.resume()
    os.kill(backend.pid, signal.SIGKILL)
    with pytest.raises(BackendDied):
        first.wait()
    for call in calls:
        call.wait()
    assert sorted(order) == [1, 2, 3]


def test_a_call_that_waits_keeps_its_deadline(moody: Backend) -> None:
    first = Task(moody.call, "sleep", [0.5])
    until(lambda: moody.status.in_flight)
    with pytest.raises(CallTimeout, match="waited"):
        moody.call("add", [1, 1], timeout=0.05)
    assert moody.status.queued == 0
    # The control lane needs no turn.
    assert moody.call("$/ping", timeout=DEADLINE)["busy"]
    first.wait()
    assert moody.call("add", [1, 1]) == 2


def test_stopping_ends_the_calls_that_wait(moody: Backend) -> None:
    first = Task(moody.call, "sleep", [60], timeout=None)
    until(lambda: moody.status.in_flight)
    others = [Task(moody.call, "add", [1, 1], timeout=None) for _ in range(5)]
    until(lambda: moody.status.queued == 5)
    moody.terminate(grace=0.2)
    with pytest.raises(BridgeError, match=r"stopped by its host|shutting down"):
        first.wait()
    for other in others:
        with pytest.raises(BackendError, match="stopped by its host"):
            other.wait()


def test_kills_as_a_worker_takes_the_next_call(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, restart=RestartPolicy(backoff=0, max_restarts=100))

    def one(number: int) -> int:
        try:
            assert backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
        except BackendDied:
            return 0
        return 1

    for _ in range(10):
        calls = [Task(one, number) for number in range(20)]
        pid = backend.pid
        os.kill(pid, signal.SIGKILL)
        for call in calls:
            call.wait()
        until(lambda: backend.pid != pid)  # noqa: B023
        until(lambda: backend.status.state == "ready")
    at_rest(backend)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_every_call_is_counted_once_however_it_ends(
    manager: ProcessManager, concurrency: int
) -> None:
    menu = manager.spawn(MENU, concurrency=concurrency, cancel_grace=10)

    def some() -> None:
        for number in range(20):
            assert menu.call("add", [number, 1], timeout=DEADLINE) == number + 1
            with pytest.raises(RemoteError):
                menu.call("fail", ["no"], timeout=DEADLINE)
            with pytest.raises(CallTimeout):
                menu.call("sleep", [60], timeout=0.0)

    some()
    until(lambda: menu.status.in_flight == 0)
    assert (menu.status.calls, menu.status.failed_calls) == (60, 40)


def test_a_thousand_calls_of_many_threads_are_counted_exactly(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU)

    def some(wrong: bool) -> None:
        for number in range(200):
            if wrong:
                with pytest.raises(RemoteError):
                    menu.call("fail", ["no"], timeout=DEADLINE)
            else:
                assert menu.call("add", [number, 1], timeout=DEADLINE) == number + 1

    for task in [Task(some, wrong) for wrong in (True, False, False, True)]:
        task.wait()
    some(True)
    until(lambda: menu.status.in_flight == 0)
    assert (menu.status.calls, menu.status.failed_calls) == (1000, 600)


def test_a_host_that_looks_all_the_time_delays_no_late_reply(manager: ProcessManager) -> None:
    """Each look from the main thread is an errand of the janitor, which has a wire to watch."""
    menu = manager.spawn(MENU, cancel_grace=DEADLINE)
    with pytest.raises(CallTimeout):
        menu.call("nap", [1.0], timeout=0.01)
    looks = 0
    while menu.status.in_flight:
        looks += 1
    assert looks
    assert menu.status.late_replies == 1


def test_a_lone_call_that_was_given_up_holds_its_place_until_it_has_ended(
    manager: ProcessManager,
) -> None:
    backend = manager.spawn(MOODY, cancel_grace=30)
    pid = backend.pid
    with pytest.raises(CallTimeout):
        backend.call("hold", [1.0], timeout=0.05)
    assert backend.status.in_flight == 1
    waiting = Task(backend.call, "pid", timeout=DEADLINE)
    until(lambda: backend.status.queued == 1)
    assert waiting.wait() == pid
    until(lambda: backend.status.in_flight == 0)
    assert backend.status.calls == 2


def test_places_that_are_given_up_come_back(manager: ProcessManager) -> None:
    backend = manager.spawn(MENU, workers=2, cancel_grace=30)
    all_ready(backend, 2)
    over = threading.Event()

    def hammer() -> None:
        while not over.is_set():
            with pytest.raises(CallTimeout):
                backend.call("sleep", [60], timeout=0.005)
            stream = backend.stream("rows", {"n": 500}, item_timeout=DEADLINE)
            assert next(stream) == 0
            del stream
            with backend.stream("rows", {"n": 500}, item_timeout=DEADLINE) as rows:
                assert next(rows) == 0

    def measured() -> None:
        try:
            for number in range(50):
                assert backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
        finally:
            over.set()

    tasks = [Task(hammer) for _ in range(3)]
    Task(measured).wait()
    for task in tasks:
        task.wait()
    at_rest(backend)


def test_an_eventful_call_that_is_dropped_is_cancelled(moody: Backend) -> None:
    """Its ``done`` tells that an event has come, not that it has ended."""
    driver = moody._driver
    entry = driver._entry("sleep", [60], on_event=print)
    driver.run(lambda: driver.admit(entry))
    call = entry.call
    call.done = True
    driver.run(lambda: driver.drop(entry))
    assert entry.worker is None
    assert call.id not in worker_of(moody).session.table.pending
    at_rest(moody)


def test_two_backends_called_from_everywhere(manager: ProcessManager) -> None:
    one = manager.spawn(MENU, name="one", workers=2, concurrency=2)
    two = manager.spawn(MENU, name="two", restart=AT_ONCE)
    over = threading.Event()
    heard: list[int] = []
    one.on("tick", lambda event: heard.append(two.call("add", [1, 1], timeout=DEADLINE)))
    manager.expose("other", lambda a: two.call("add", [a, 1], timeout=DEADLINE))

    def some(first: Backend, second: Backend, number: int) -> None:
        assert first.call("add", [number, 1], timeout=DEADLINE) == number + 1
        rows = first.stream("rows", {"n": 3}, item_timeout=DEADLINE)
        assert [second.call("add", [row, 1], timeout=DEADLINE) for row in rows] == [1, 2, 3]
        assert second.call_many("add", [[number, 2]], timeout=DEADLINE) == [number + 2]
        inner: list[int] = []
        one.call(  # never the other way round: each would hold the place that the other waits for
            "work",
            [1],
            on_event=lambda _: inner.append(two.call("add", [1, 1], timeout=DEADLINE)),
            timeout=DEADLINE,
        )
        assert set(inner) == {2}
        assert first.status.name == first.name

    def work(me: int) -> int:
        number = 0
        while not over.is_set():
            some(*((one, two) if me % 2 else (two, one)), number)
            number += 1
        return number

    tasks = [Task(work, me) for me in range(6)]
    try:
        for number in range(15):
            some(one, two, number)
            one.call("fire", {"topic": "tick", "count": 2}, timeout=DEADLINE)
            answer = one.call("ask_host", ["other", {"a": number}], timeout=DEADLINE)
            assert answer == number + 1
            two.restart()
            two.pause(freeze=False)
            two.resume()
    finally:
        over.set()
    assert all(task.wait() for task in tasks)
    until(lambda: len(heard) == 30)
    assert set(heard) == {2}
    at_rest(one)
    at_rest(two)
