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


def burst(count: int) -> list[Event]:
    return [Event("t", number) for number in range(count)]


def test_a_burst_reaches_everybody_in_order(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    seen: list[Any] = []

    def put_many(events: list[Event], cost: int) -> None:
        seen.append(([event.data for event in events], cost))

    router.dispatch_many(burst(3), 5)
    forget = router.add("t", queue=lambda event, cost: seen.append(event.data), queue_many=put_many)
    router.dispatch_many(burst(3), 5)
    router.add("*", queue=lambda event, cost: seen.append(("one", event.data, cost)))
    router.dispatch_many(burst(1), 5)
    assert seen == [([0, 1, 2], 5), 0, ("one", 0, 5)]
    forget()
    seen.clear()
    router.add("t", lambda event: seen.append(event.data))
    router.dispatch_many(burst(2), 5)
    assert seen == [0, ("one", 0, 5), 1, ("one", 1, 5)]


def test_a_handler_that_raises_in_a_burst_misses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    seen: list[Any] = []

    def handler(event: Event) -> None:
        seen.append(event.data)
        if event.data == 1:
            raise ValueError("no")

    router.add("t", handler)
    with caplog.at_level(logging.ERROR, logger="bridgekit"):
        router.dispatch_many(burst(3), 1)
    assert seen == [0, 1, 2]
    assert len(caplog.records) == 1


def test_who_comes_or_goes_within_a_burst_does_so_at_once() -> None:
    router = Router()
    seen: list[str] = []

    def other(event: Event) -> None:
        seen.append(f"other {event.data}")
        if event.data == 5:
            forget_other()

    def handler(event: Event) -> None:
        nonlocal forget_other
        seen.append(f"one {event.data}")
        if event.data == 2:
            forget_other = router.add("*", other)
        if event.data == 3:
            forget()

    forget_other = lambda: None  # noqa: E731
    forget = router.add("t", handler)
    router.dispatch_many(burst(8), 1)
    assert seen == ["one 0", "one 1", "one 2", "one 3", "other 3", "other 4", "other 5"]


def test_a_burst_within_a_burst() -> None:
    router = Router()
    seen: list[Any] = []

    def handler(event: Event) -> None:
        seen.append(event.data)
        if event.data == 1:
            router.dispatch_many([Event("u", "inner")], 1)

    def inner(event: Event) -> None:
        seen.append(event.data)
        forget_inner()

    router.add("t", handler)
    forget_inner = router.add("u", inner)
    router.dispatch_many(burst(3), 1)
    assert seen == [0, 1, "inner", 2]


def test_who_goes_within_a_burst_from_a_tap_does_so_at_once() -> None:
    router = Router()
    own: list[Any] = []
    tap = router.tap(lambda event: own.append(event.data))
    seen: list[Any] = []

    def handler(event: Event) -> None:
        seen.append(event.data)
        if event.data == 1:
            forget()

    forget = router.add("*", handler)
    tap.dispatch_many(burst(3), 1)
    tap.dispatch_many([Event("$/log", "own")] * 2, 1)
    assert (seen, own) == ([0, 1], ["own", "own"])


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


@pytest.mark.parametrize("drop", ["oldest", "newest"])
@pytest.mark.parametrize("waiting", [0, 1, 3])
@pytest.mark.parametrize("bounds", [{}, {"max_events": 4}, {"max_bytes": 40}, {"max_bytes": 5}])
def test_many_at_a_time_end_as_one_by_one(drop: Any, waiting: int, bounds: Any) -> None:
    woken: list[int] = []

    class Queue(Subscription):
        def wake(self) -> None:
            woken.append(1)

    together, alone = Queue(drop=drop, **bounds), Subscription(drop=drop, **bounds)
    fill(together, waiting, cost=10)
    fill(alone, waiting, cost=10)
    woken.clear()
    for count in (1, 4, 9):
        together.put_many(burst(count), 10)
        for event in burst(count):
            alone.put(event, 10)
    assert (together.dropped, together._bytes) == (alone.dropped, alone._bytes)
    assert numbers(together) == numbers(alone)
    assert together._bytes == 0
    assert woken or waiting
