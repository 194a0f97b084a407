"""Queues of events for a reading thread."""

from __future__ import annotations

import pytest

from bridgekit.blocking import Backend
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE
from tests.support.blocking import worker_of


def test_a_queue_receives_within_its_block_only(menu: Backend) -> None:
    menu.call("fire", {"topic": "tick", "count": 3})
    with menu.events("tick") as queue:
        menu.call("fire", {"topic": "tick", "count": 3})
        menu.call("fire", {"topic": "tock", "count": 3})
        assert [next(queue).data["n"] for _ in range(3)] == [0, 1, 2]
        assert queue.take() is None
    menu.call("fire", {"topic": "tick", "count": 3})
    assert list(queue) == []


def test_a_reader_that_waits_is_woken(menu: Backend) -> None:
    with menu.events("t*") as queue:
        reader = Task(lambda: [next(queue).topic for _ in range(2)])
        menu.call("fire", {"topic": "tick", "count": 1})
        menu.call("fire", {"topic": "tock", "count": 1})
        assert reader.wait() == ["tick", "tock"]


def test_the_iteration_ends_with_the_backend_after_the_last_event(menu: Backend) -> None:
    with menu.events() as queue:
        menu.call("fire", {"topic": "tick", "count": 5})
        reader = Task(lambda: [event.data["n"] for event in queue])
        menu.terminate()
        assert reader.wait() == [0, 1, 2, 3, 4]
    with menu.events() as late:
        assert list(late) == []


@pytest.mark.parametrize(("drop", "kept"), [("oldest", [8, 9]), ("newest", [0, 1])])
def test_a_full_queue_drops_and_counts(menu: Backend, drop, kept: list[int]) -> None:
    with menu.events("tick", max_events=2, drop=drop) as queue:
        menu.call("fire", {"topic": "tick", "count": 10})
        assert [next(queue).data["n"] for _ in range(2)] == kept
        assert queue.dropped == 8
        assert menu.status.dropped_events == 8
    assert menu.status.dropped_events == 8


def test_a_flood_at_a_reader_that_reads(menu: Backend) -> None:
    with menu.events("tick", max_events=100_000, max_bytes=2**30) as queue:
        flood = Task(menu.call, "fire", {"topic": "tick", "count": 50_000}, timeout=DEADLINE)
        assert [next(queue).data["n"] for _ in range(50_000)] == list(range(50_000))
        assert flood.wait() == 50_000


def test_events_come_to_a_reader_though_nobody_calls(menu: Backend) -> None:
    with menu.events("$/output") as queue:
        menu.call("whisper", {"text": "one\n"})
        assert next(queue).data["text"] == "one\n"
        until(lambda: worker_of(menu).channel.watched)


def test_what_comes_by_stderr_wakes_a_reader_that_leads(menu: Backend) -> None:
    channel = worker_of(menu).channel
    with menu.events("$/output") as queue:
        for number in range(3):
            reader = Task(lambda: next(queue))
            until(lambda: channel.lead.get(0) is queue)
            worker_of(menu)._take_stderr(b"%d\n" % number)  # with nothing on the wire
            assert reader.wait().data["text"] == f"{number}\n"


def test_a_reader_that_goes_to_sleep_elsewhere_leads_nowhere(menu: Backend) -> None:
    """What woke it may have come from another wire, just as this one made it leader."""
    channel = worker_of(menu).channel
    with menu.events("tick") as queue:

        class Source:
            waits = 0

            def hang_bell(self) -> None:
                channel.hang_bell()

            def wait(self, waiting: object) -> None:
                self.waits += 1
                with channel.lock:
                    channel.lead[0] = waiting

            leave = channel.leave

        until(lambda: channel.watched)
        source = menu._hearing.source = Source()  # type: ignore[assignment]
        queue._wait()
        assert source.waits == 1
        assert not channel.lead
        menu._hearing.source = channel
        reader = Task(lambda: next(queue).topic)
        menu.call("fire", {"topic": "tick", "count": 1}, timeout=DEADLINE)
        assert reader.wait() == "tick"
