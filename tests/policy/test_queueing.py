"""The queue of waiting calls: order, bounds on memory, deadlines, and nobody starved."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridgekit.policy.queueing import CallQueue, Ticket


def order(queue: CallQueue, now: float = 0.0) -> list[object]:
    calls = []
    while (ticket := queue.pop(now)) is not None:
        calls.append(ticket.call)
    return calls


def test_in_order_of_arrival_within_a_priority() -> None:
    queue = CallQueue()
    for number in range(20):
        queue.put(number, 0.0, priority=number % 3)
    assert order(queue) == sorted(range(20), key=lambda n: (-(n % 3), n))
    assert queue.pop(0.0) is None


def test_the_front_is_before_all_of_its_priority() -> None:
    queue = CallQueue()
    queue.put("later", 0.0)
    queue.put("urgent", 0.0, priority=1)
    queue.put("second", 0.0, front=True)
    queue.put("first", 0.0, front=True)
    assert order(queue) == ["urgent", "first", "second", "later"]


def test_a_call_that_waited_too_long_gets_its_turn_among_urgent_ones() -> None:
    queue = CallQueue(patience=5.0)
    queue.put("patient", 0.0, priority=-1)
    taken = []
    for number in range(10):
        queue.put(number, 6.0, priority=9)
        ticket = queue.pop(6.0)
        assert ticket is not None
        taken.append(ticket.call)
    assert taken[:5] == [0, 1, 2, "patient", 3]


def test_while_nobody_has_waited_long_priority_is_strict() -> None:
    queue = CallQueue(patience=5.0)
    queue.put("patient", 0.0, priority=-1)
    for number in range(50):
        queue.put(number, 4.0, priority=9)
    assert order(queue, 4.0) == [*range(50), "patient"]


def test_given_up_calls_are_skipped() -> None:
    queue = CallQueue()
    tickets = [queue.put(number, 0.0) for number in range(5)]
    assert queue.discard(tickets[0])
    assert queue.discard(tickets[3])
    assert not queue.discard(tickets[3])
    assert len(queue) == 3
    assert order(queue) == [1, 2, 4]


def test_overdue_calls_are_taken_out_earliest_first() -> None:
    queue = CallQueue()
    assert queue.next_deadline == math.inf
    late = queue.put("late", 0.0, deadline=9.0)
    soon = queue.put("soon", 0.0, deadline=3.0)
    gone = queue.put("gone", 0.0, deadline=1.0)
    queue.put("never", 0.0)
    queue.discard(gone)
    assert queue.expire(0.5) == []
    assert queue.next_deadline == 3.0
    assert queue.expire(10.0) == [soon, late]
    assert queue.next_deadline == math.inf
    assert order(queue) == ["never"]


def test_clear_takes_all_in_their_order() -> None:
    queue = CallQueue()
    queue.put("b", 0.0)
    queue.discard(queue.put("x", 0.0))
    queue.put("a", 0.0, priority=2, deadline=5.0)
    assert [ticket.call for ticket in queue.clear()] == ["a", "b"]
    assert len(queue) == 0
    assert queue.pop(0.0) is None
    assert queue.next_deadline == math.inf


def test_memory_follows_the_calls_that_wait() -> None:
    queue = CallQueue()
    for number in range(5000):
        ticket = queue.put(number, 0.0, deadline=1e9)
        if number % 2:
            queue.discard(ticket)
        else:
            queue.pop(0.0)
        for line in (queue._heap, queue._by_age, queue._by_deadline):
            assert len(line) <= 64


class AgainstAList(RuleBasedStateMachine):
    """Whatever is done, the queue agrees with a sorted list, and each call leaves it once."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = CallQueue(patience=math.inf)
        self.model: list[Ticket] = []

    @rule(
        priority=st.integers(-2, 2),
        deadline=st.sampled_from([math.inf, 5.0, 9.0]),
        front=st.booleans(),
    )
    def put(self, priority: int, deadline: float, front: bool) -> None:
        self.model.append(self.queue.put(object(), 0.0, priority, deadline, front=front))
        self.model.sort(key=lambda ticket: (-ticket.priority, ticket.order))

    @rule()
    def pop(self) -> None:
        expected = self.model.pop(0) if self.model else None
        assert self.queue.pop(0.0) is expected

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.model))
        assert self.queue.discard(ticket)
        self.model.remove(ticket)

    @rule(now=st.sampled_from([4.0, 6.0, 10.0]))
    def expire(self, now: float) -> None:
        overdue = self.queue.expire(now)
        assert set(overdue) == {ticket for ticket in self.model if ticket.deadline <= now}
        self.model = [ticket for ticket in self.model if ticket.deadline > now]

    @rule()
    def clear(self) -> None:
        assert self.queue.clear() == self.model
        self.model = []

    @invariant()
    def counts(self) -> None:
        assert len(self.queue) == len(self.model)
        assert self.queue.next_deadline <= min((t.deadline for t in self.model), default=math.inf)


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
