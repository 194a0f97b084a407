"""Listening outlives the processes that speak, whichever thread reads them."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from bridgekit.blocking import ProcessManager
from bridgekit.blocking.hearing import Hearing
from bridgekit.host.exposed import Exposed
from bridgekit.host.output import OutputLog
from bridgekit.wire.messages import Event
from tests.blocking.support import Task, all_ready, failing, until
from tests.host.supervision_support import AT_ONCE
from tests.host.support import DEADLINE, MENU


@pytest.mark.parametrize("workers", [1, 2])
def test_handlers_and_readers_hear_every_generation(manager: ProcessManager, workers: int) -> None:
    heard: list[int] = []
    menu = manager.spawn(MENU, restart=AT_ONCE, workers=workers)
    all_ready(menu, workers)
    menu.on("tick", lambda event: heard.append(event.data["n"]))
    with menu.events("tick") as queue, menu.events("tick") as other:
        readers = [
            Task(lambda queue=queue: [e.data["n"] for e in queue]) for queue in (queue, other)
        ]
        for number in range(4):
            menu.call("fire", {"topic": "tick", "count": 3}, timeout=DEADLINE)
            until(lambda: len(heard) == 3 * (number + 1))  # noqa: B023
            if number % 2:
                failing(menu, "die")
            else:
                menu.restart()
            all_ready(menu, workers)
        menu.terminate()
        assert [reader.wait() for reader in readers] == [[0, 1, 2] * 4] * 2
    assert heard == [0, 1, 2] * 4


def test_a_reader_reads_while_processes_are_killed_and_others_call(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU, restart={"backoff": 0, "max_restarts": 100}, workers=2)
    all_ready(menu, 2)
    with menu.events("end") as queue:
        reader = Task(lambda: next(queue).topic)
        for _ in range(10):
            (pid, *_) = (one.pid for one in menu.statuses if one.pid)
            calls = [Task(menu.call, "add", [1, 1], timeout=DEADLINE) for _ in range(6)]
            os.kill(pid, signal.SIGKILL)
            for call in calls:
                call._thread.join(DEADLINE)
                assert not call._thread.is_alive()
            until(lambda: pid not in [one.pid for one in menu.statuses])  # noqa: B023 - here and now
            all_ready(menu, 2)
        menu.call("fire", {"topic": "end", "count": 1}, timeout=DEADLINE)
        assert reader.wait() == "end"


def test_a_reader_goes_on_with_a_backend_that_was_stopped_and_restarted(
    manager: ProcessManager,
) -> None:
    menu = manager.spawn(MENU)
    heard: list[Any] = []
    menu.on("tick", heard.append)
    menu.terminate()
    with menu.events("tick") as queue:
        assert list(queue) == []
    menu.restart()
    with menu.events("tick") as queue:
        reader = Task(lambda: next(queue).topic)
        menu.call("fire", {"topic": "tick", "count": 1}, timeout=DEADLINE)
        assert reader.wait() == "tick"
    until(lambda: len(heard) == 1)


def test_what_nobody_had_room_for_is_counted_over_all_generations(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU, restart=AT_ONCE)
    with menu.events("tick", max_events=2):
        for _ in range(2):
            menu.call("fire", {"topic": "tick", "count": 5}, timeout=DEADLINE)
            menu.restart()
        assert menu.status.dropped_events == 8
    assert menu.status.dropped_events == 8


def test_output_of_two_workers_is_logged_once_each(
    manager: ProcessManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridgekit.backend.menu")
    menu = manager.spawn(MENU, workers=2)
    all_ready(menu, 2)
    menu.call("work", {"steps": 1})
    menu.terminate()
    assert [record.getMessage() for record in caplog.records].count("printed 0") == 1


class Source:
    """A channel that tells when its bell rings."""

    def __init__(self) -> None:
        self.rings = 0
        self.bell = self

    def ring(self) -> None:
        self.rings += 1

    def hang_bell(self) -> None:
        pass


@pytest.fixture
def hearing() -> Hearing:
    return Hearing("x", Exposed())


def test_moving_wakes_who_reads_the_old_source(hearing: Hearing) -> None:
    one, two = Source(), Source()
    hearing.move(one)  # type: ignore[arg-type]
    with hearing.listening("*") as queue:
        queue._reads = one  # type: ignore[assignment]
        hearing.move(one)  # type: ignore[arg-type]
        assert one.rings == 0
        hearing.move(two)  # type: ignore[arg-type]
        assert one.rings == 1
        assert queue.done
        hearing.move(None)
        assert hearing.source is None


def test_a_sleeper_wakes_when_there_is_a_source_again(hearing: Hearing) -> None:
    with hearing.listening("*") as queue:
        reader = Task(lambda: next(queue).topic)
        until(lambda: queue.waiter is not None)
        hearing.event(Event("tick", None), 1, None)
        assert reader.wait() == "tick"


def test_after_the_end_nothing_is_waited_for_until_it_begins_again(hearing: Hearing) -> None:
    with hearing.listening("*") as queue:
        hearing.end()
        assert list(queue) == []
    with hearing.listening("*") as queue:
        assert list(queue) == []
    hearing.begin()
    with hearing.listening("*") as queue:
        hearing.burst([Event("tick", 1), Event("tick", 2)], 1)
        assert [next(queue).data for _ in range(2)] == [1, 2]
        assert not queue.ended
    hearing.end()
    hearing.join()


def test_output_is_logged_where_somebody_wants_it(
    hearing: Hearing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridgekit.backend.x")
    log = OutputLog("x")
    hearing.lines(["a line"], log)
    hearing.event(Event("$/output", {"stream": "stdout", "text": "half"}), 1, log)
    hearing.event(Event("tick", None), 1, log)
    hearing.end_log(log)
    hearing.end()
    hearing.join()
    assert [record.getMessage() for record in caplog.records] == ["a line", "half"]


def test_a_handler_that_is_removed_hears_no_more(hearing: Hearing) -> None:
    heard: list[Any] = []
    done = threading.Event()
    undo = hearing.on("tick", heard.append)
    hearing.event(Event("tick", 1), 1, None)
    undo()
    hearing.event(Event("tick", 2), 1, None)
    hearing.on("tick", lambda _: done.set())
    hearing.event(Event("tick", 3), 1, None)
    assert done.wait(DEADLINE)
    assert [event.data for event in heard] == [1]
    hearing.end()
    hearing.join()


def test_a_forked_copy_has_no_readers(hearing: Hearing) -> None:
    with hearing.listening("*") as queue:
        hearing.disown()
        assert list(queue) == []
    assert hearing.source is None


def test_functions_are_exposed_to_this_backend(hearing: Hearing) -> None:
    undo = hearing.expose("twice", lambda a: 2 * a)
    undo()
