"""Topics, patterns and bounded queues."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bridgekit.host.events import Router, Subscription, matcher
from bridgekit.wire.messages import Event


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("tick", "tick", True),
        ("tick", "tick.fast", False),
        ("*", "tick", True),
        ("*", "a.b.c", True),
        ("*", "$/progress", False),
        ("train.*", "train.loss", True),
        ("train.*", "train.a.b", True),
        ("train.*", "train", False),
        ("train.*", "training", False),
        ("*.loss", "train.loss", True),
        ("a*b*c", "a--b--c", True),
        ("a*b*c", "a--c--b", False),
        ("*loss*", "$loss", False),
        ("$/*", "$/progress", True),
        ("$/*", "tick", False),
        ("$/log", "$/log", True),
        ("[a]?", "[a]?", True),
        ("[a]*", "ab", False),
        ("*", "line\nbreak", True),
    ],
)
def test_the_topic_rule(pattern: str, topic: str, matches: bool) -> None:
    assert matcher(pattern)(topic) is matches


@pytest.mark.parametrize("pattern", ["", None, 3, b"tick"])
def test_patterns_that_are_none(pattern: Any) -> None:
    with pytest.raises(ValueError, match="topic"):
        matcher(pattern)


def test_events_are_handed_out_in_order_until_removed() -> None:
    router = Router()
    seen: list[str] = []
    remove = router.add("a*", lambda event: seen.append(f"one {event.topic}"))
    router.add("*", lambda event: seen.append(f"two {event.topic}"))
    router.add("*", queue=lambda event, cost: seen.append(f"queue {cost}"))
    router.dispatch(Event("abc"), 5)
    remove()
    remove()
    router.dispatch(Event("abc"), 6)
    assert seen == ["one abc", "two abc", "queue 5", "two abc", "queue 6"]


def test_a_raising_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    seen: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("broken")

    router.add("t", broken)
    router.add("t", seen.append)
    with caplog.at_level(logging.ERROR, "bridgekit"):
        router.dispatch(Event("t"), 1)
    assert len(seen) == 1
    assert "event 't' raised" in caplog.text


def test_any_number_of_topics_costs_bounded_memory() -> None:
    router = Router()
    for number in range(5000):
        router.dispatch(Event(f"topic-{number}"), 1)
    assert len(router._cache) <= 1024


def numbers(queue: Subscription) -> list[Any]:
    taken = []
    while (event := queue.take()) is not None:
        taken.append(event.data)
    return taken


def fill(queue: Subscription, count: int, cost: int = 1) -> None:
    for number in range(count):
        queue.put(Event("t", number), cost)


def test_the_oldest_are_dropped_and_counted() -> None:
    queue = Subscription(max_events=3)
    fill(queue, 5)
    assert (queue.dropped, len(queue)) == (2, 3)
    assert numbers(queue) == [2, 3, 4]


def test_or_the_newest() -> None:
    queue = Subscription(max_events=3, drop="newest")
    fill(queue, 5)
    assert queue.dropped == 2
    assert numbers(queue) == [0, 1, 2]


def test_bytes_are_bounded_too() -> None:
    queue = Subscription(max_bytes=100)
    fill(queue, 10, cost=30)
    assert numbers(queue) == [7, 8, 9]
    assert queue.dropped == 7


def test_one_event_of_any_size_fits() -> None:
    for drop in ("oldest", "newest"):
        queue = Subscription(max_bytes=100, drop=drop)
        queue.put(Event("t", "large"), 1000)
        assert numbers(queue) == ["large"]
        fill(queue, 2, cost=50)
        assert numbers(queue) == [0, 1]


def test_the_reader_is_woken_when_there_is_something_new() -> None:
    woken: list[int] = []

    class Queue(Subscription):
        def wake(self) -> None:
            woken.append(len(self))

    queue = Queue()
    fill(queue, 3)
    assert woken == [1]
    queue.end()
    assert queue.ended
    assert woken == [1, 3]


@pytest.mark.parametrize("options", [{"max_events": 0}, {"max_bytes": 0}, {"drop": "all"}])
def test_bounds_are_checked(options: Any) -> None:
    with pytest.raises(ValueError, match=r"max_|drop"):
        Subscription(**options)
