"""What a thread waits for, and places that any thread may leave."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit import QueueFull
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.entries import SharedPlace, ThreadEntry, leave_all, once
from tests.blocking.support import Task, at_rest, until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


@pytest.fixture
def backend(manager: ProcessManager) -> Backend:
    return manager.spawn(MENU, cancel_grace=DEADLINE)


def entry() -> ThreadEntry:
    made = ThreadEntry("add", None, 0.0, None)
    made.waiter = None
    return made


def place_at(backend: Backend, method: str = "nap") -> SharedPlace:
    taken: list[SharedPlace] = []
    place = backend._driver.place(method, DEADLINE, taken)
    assert taken == [place]
    return place


def test_a_turn_ends_when_it_is_settled() -> None:
    waits, settled = entry(), entry()
    task = Task(waits.turn)
    until(lambda: waits.waiter is not None)
    waits.wake()  # for nothing
    waits.fail(ValueError("no"))
    waits.wake()
    task.wait()
    assert waits.waiter is None
    settled.fail(ValueError("no"))
    settled.turn()


def test_once() -> None:
    done: list[int] = []
    take = once(lambda: done.append(1))
    take()
    take()
    assert done == [1]


def test_a_place_is_left_once_whoever_does_it(backend: Backend) -> None:
    place = place_at(backend)
    assert backend.status.in_flight == 1
    for task in [Task(place.leave), Task(place.leave, unused=True), Task(place.leave_later)]:
        task.wait()
    place.lodge()  # what it was taken for has ended already
    at_rest(backend)
    assert backend.status.calls == 1  # nothing was sent in it


def test_a_lodged_place_keeps_no_call_waiting(backend: Backend) -> None:
    place = place_at(backend)
    place.lodge()
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    assert backend.status.in_flight == 1
    place.leave_later()
    at_rest(backend)


def test_a_place_is_free_when_all_that_was_given_up_in_it_has_ended(backend: Backend) -> None:
    place = place_at(backend, "hold")
    channel, session = place.channel, worker_of(backend).session
    calls = [channel.submit("hold", [0.3], None, None) for _ in range(2)]
    for call in calls:
        channel.give_up(call)
    place.leave()
    until(lambda: not session.afterwards)
    at_rest(backend)
    assert backend.status.calls == 2


def test_everything_is_left_however_often_that_is_interrupted() -> None:
    left: list[str] = []

    class Place:
        def __init__(self, name: str) -> None:
            self.name, self.interrupts = name, [KeyboardInterrupt()] * 2

        def leave(self) -> None:
            if self.interrupts:
                raise self.interrupts.pop()
            left.append(self.name)

    places: list[Any] = [Place("one"), Place("two")]
    leave_all(places)
    assert left == ["two", "one"]
    assert not places


def test_a_list_counts_as_one_call(backend: Backend) -> None:
    many = Task(backend.call_many, "sleep", [[0.02]] * 10)
    until(lambda: backend.status.in_flight)
    assert backend.status.in_flight == 1
    call = Task(backend.call, "add", [1, 1])
    until(lambda: backend.status.queued == 1)
    many.wait()
    assert call.wait() == 2
    until(lambda: backend.status.in_flight == 0)
    assert backend.status.calls == 2


def test_a_stream_is_told_by_the_status_and_keeps_no_call_waiting(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU, name="narrow", queue_limit=1)
    seen = []
    with menu.stream("rows", {"n": 200}) as one, menu.stream("rows", {"n": 200}) as two:
        for row in one:
            assert next(two) == row
            assert seen or menu.status.in_flight == 2  # not all of it has come yet
            seen.append(menu.call("add", [row, 1], timeout=DEADLINE))
            assert menu.call_many("add", [[row, 1]], timeout=DEADLINE) == seen[-1:]
    assert seen == list(range(1, 201))
    until(lambda: menu.status.in_flight == 0)
    assert menu.status.calls == 402
    first = Task(menu.call, "sleep", [0.2])  # and calls are still one at a time
    until(lambda: menu.status.in_flight)
    second = Task(menu.call, "add", [1, 1])
    until(lambda: menu.status.queued)
    with pytest.raises(QueueFull):
        menu.call("add", [1, 1])
    first.wait()
    second.wait()
