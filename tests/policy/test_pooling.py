"""The path of a call: which worker takes it, when it waits, when it is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridgekit.errors import BackendError, QueueFull
from bridgekit.policy.pooling import UNLIMITED, Pool, PoolOwner, Worker
from bridgekit.policy.queueing import Ticket
from bridgekit.policy.seats import Seat


class Owner(PoolOwner):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.pool = cast("Pool", None)

    def took(self, worker: Worker, now: float) -> None:
        self.told.append(("took", worker))

    def quiet(self, worker: Worker, now: float) -> None:
        self.told.append(("quiet", worker))

    def eased(self, worker: Worker, now: float) -> None:
        self.told.append(("eased", worker))

    def worn(self, worker: Worker, now: float) -> None:
        self.told.append(("worn", worker))
        self.pool.close(worker)

    def queued(self, ticket: Ticket, now: float) -> None:
        self.told.append(("queued", ticket.call))

    def dropped(self, now: float) -> None:
        self.told.append(("dropped", None))

    def send(self, worker: Worker, ticket: Ticket) -> None:
        self.told.append(("send", (worker, ticket.call)))


def made(workers: int = 1, **options: Any) -> tuple[Pool, list[Worker], Owner]:
    owner = Owner()
    pool = owner.pool = Pool("echo", owner, **options)
    crew = [Worker(Seat(number, "duty"), 1, 0.0) for number in range(workers)]
    for worker in crew:
        pool.open(worker, 0.0)
    return pool, crew, owner


def test_without_a_worker_there_is_none() -> None:
    pool, _, _ = made(0)
    assert pool.take(0.0) is None


def test_workers_without_calls_take_turns() -> None:
    pool, crew, _ = made(3)
    turns = []
    for _ in range(6):
        worker = pool.take(0.0)
        assert worker is not None
        turns.append(worker)
        assert pool.done(worker, 0.0) is None
    assert turns == crew * 2


def test_the_least_loaded_takes_the_call_and_nobody_more_than_it_may() -> None:
    pool, crew, _ = made(2, concurrency=3)
    a, b = crew
    assert [pool.take(0.0) for _ in range(5)] == [a, b, a, b, a]
    assert pool.in_flight == 5
    pool.done(a, 0.0)
    pool.done(a, 0.0)
    assert pool.take(0.0) is a
    assert pool.take(0.0) is b, "as loaded as the other, and used longer ago"
    assert pool.take(0.0) is a
    assert pool.take(0.0) is None


def test_the_worker_that_ends_a_call_gets_the_next_one() -> None:
    pool, (worker,), owner = made()
    assert pool.take(0.0) is worker
    assert pool.take(0.0) is None
    pool.enqueue("next", 1.0)
    assert owner.told == [("queued", "next")]
    ticket = pool.done(worker, 2.0)
    assert ticket is not None
    assert ticket.call == "next"
    assert (worker.in_flight, worker.served, pool.last_done) == (1, 1, 2.0)
    assert pool.take(0.0) is None


def test_a_full_queue_refuses_and_says_what_to_do() -> None:
    pool, _, _ = made(1, queue_limit=2)
    pool.take(0.0)
    pool.enqueue(1, 0.0)
    pool.enqueue(2, 0.0)
    with pytest.raises(QueueFull, match=r"2 calls are waiting.*queue_limit=2.*workers are busy"):
        pool.enqueue(3, 0.0)
    empty, _, _ = made(0, queue_limit=0)
    with pytest.raises(QueueFull, match="no worker is ready") as caught:
        empty.enqueue(1, 0.0)
    assert caught.value.backend == "echo"


def test_refused_calls_get_a_fresh_error_each() -> None:
    pool, _, _ = made()
    pool.refusal = lambda: BackendError("no")
    with pytest.raises(BackendError, match="no") as first:
        pool.take(0.0)
    with pytest.raises(BackendError, match="no") as second:
        pool.enqueue(1, 0.0)
    assert first.value is not second.value


def test_a_place_that_was_not_used_is_not_a_served_call() -> None:
    pool, (worker,), _ = made()
    worker.calls_left = 1
    assert pool.take(0.0) is worker
    assert pool.unused(worker, 0.0) is None
    assert (worker.in_flight, worker.served, worker.calls_left) == (0, 0, 1)
    assert pool.take(0.0) is worker


def test_a_given_up_call_leaves_the_queue() -> None:
    pool, (worker,), owner = made()
    pool.take(0.0)
    ticket = pool.enqueue(1, 0.0)
    assert pool.discard(ticket, 0.0)
    assert not pool.discard(ticket, 0.0)
    assert pool.done(worker, 0.0) is None
    pool.alert = True
    pool.take(0.0)
    pool.discard(pool.enqueue(2, 0.0), 0.0)
    assert owner.told[-1] == ("dropped", None)


def test_a_worker_that_opens_gets_what_waits() -> None:
    pool, _, owner = made(0, concurrency=2)
    for number in range(3):
        pool.enqueue(number, 0.0)
    pool.requeue("again", 0.0)
    worker = Worker(Seat(0, "duty"), 1, 0.0)
    pool.alert = True
    pool.open(worker, 0.0)
    assert owner.told[4:] == [
        ("took", worker),
        ("send", (worker, "again")),
        ("send", (worker, 0)),
    ]
    assert worker.in_flight == 2


def test_a_closed_worker_gets_nothing_and_its_ends_are_told() -> None:
    pool, (a, b), owner = made(2)
    assert pool.take(0.0) is a
    pool.close(a)
    pool.close(b)
    pool.close(b)
    assert pool.take(0.0) is None
    pool.enqueue("waits", 0.0)
    assert pool.done(a, 0.0) is None
    assert owner.told[-1] == ("eased", a)
    pool.open(b, 0.0)
    sent: Any = owner.told[-1]
    assert sent == ("send", (b, "waits"))


def test_a_worker_with_calls_may_open_again() -> None:
    pool, (worker,), _ = made()
    pool.take(0.0)
    pool.close(worker)
    pool.open(worker, 0.0)
    assert pool.take(0.0) is None
    pool.done(worker, 0.0)
    assert pool.take(0.0) is worker


def test_a_worn_worker_gets_no_more() -> None:
    pool, (worker, other), owner = made(2)
    worker.calls_left = 1
    assert pool.take(0.0) is worker
    assert pool.take(0.0) is other
    pool.enqueue("waits", 0.0)
    assert pool.done(worker, 0.0) is None
    assert owner.told[-1] == ("worn", worker)
    ticket = pool.done(other, 0.0)
    assert ticket is not None
    assert ticket.call == "waits"


def test_a_worn_worker_that_has_to_stay_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, (worker,), owner = made(concurrency=2)

    def keep(worn: Worker, now: float) -> None:
        worn.calls_left = UNLIMITED

    monkeypatch.setattr(owner, "worn", keep)
    worker.calls_left = 1
    pool.take(0.0)
    pool.take(0.0)
    pool.enqueue("waits", 0.0)
    assert pool.done(worker, 0.0) is None
    assert owner.told[-1] == ("send", (worker, "waits"))
    assert worker.in_flight == 2


def test_busy_and_quiet_are_told_only_on_alert() -> None:
    pool, (worker,), owner = made()
    pool.take(0.0)
    pool.done(worker, 0.0)
    assert not owner.told
    pool.alert = True
    pool.take(0.0)
    pool.done(worker, 0.0)
    assert owner.told == [("took", worker), ("quiet", worker)]


def test_an_owner_may_ignore_everything() -> None:
    owner = PoolOwner()
    pool = Pool("echo", owner)
    worker = Worker(Seat(0, "duty"), 1, 0.0)
    pool.alert = True
    pool.discard(pool.enqueue(0, 0.0), 0.0)
    pool.enqueue(1, 0.0)
    worker.calls_left = 2
    pool.open(worker, 0.0)
    pool.done(worker, 0.0)
    pool.take(0.0)
    pool.done(worker, 0.0)
    pool.close(worker)
    worker.in_flight = 1
    pool.done(worker, 0.0)
    assert worker.served == 3


class Shared(RuleBasedStateMachine):
    """No place is given twice or lost, and nobody waits while a place is free."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = Owner()
        self.pool = self.owner.pool = Pool("echo", self.owner, concurrency=2, queue_limit=5)
        self.crew = [Worker(Seat(number, "duty"), 1, 0.0) for number in range(3)]
        self.sent: Counter[Worker] = Counter()
        self.waiting = 0

    def collect(self) -> None:
        for what, about in self.owner.told:
            if what == "send":
                self.sent[about[0]] += 1
                self.waiting -= 1
        self.owner.told.clear()

    @rule()
    def call(self) -> None:
        loads = [worker.in_flight for worker in self.crew if worker.open]
        worker = self.pool.take(0.0)
        if worker is not None:
            assert worker.in_flight - 1 == min(loads)
            self.sent[worker] += 1
            return
        try:
            self.pool.enqueue("x", 0.0)
            self.waiting += 1
        except QueueFull:
            assert self.waiting == 5

    @rule(number=st.integers(0, 2))
    def done(self, number: int) -> None:
        worker = self.crew[number]
        if self.sent[worker]:
            self.sent[worker] -= 1
            if self.pool.done(worker, 0.0) is not None:
                self.sent[worker] += 1
                self.waiting -= 1
        self.collect()

    @rule(number=st.integers(0, 2))
    def turn(self, number: int) -> None:
        worker = self.crew[number]
        if worker.open:
            self.pool.close(worker)
        else:
            self.pool.open(worker, 0.0)
        self.collect()

    @invariant()
    def places(self) -> None:
        assert len(self.pool.queue) == self.waiting
        for worker in self.crew:
            assert worker.in_flight == self.sent[worker] <= 2
            assert not (worker.open and worker.in_flight < 2 and self.waiting)


TestShared = Shared.TestCase
TestShared.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


def test_a_guest_keeps_no_call_from_its_place() -> None:
    pool, (worker,), owner = made(1)
    assert pool.take(0.0) is worker
    waits = pool.enqueue("a", 0.0)
    pool.lodge(worker, 1.0)
    assert owner.told[-1] == ("send", (worker, "a"))
    assert not waits.waiting and worker.in_flight == 2
    assert pool.take(1.0) is None
    later = pool.enqueue("b", 1.0)
    pool.depart(worker)
    assert pool.done(worker, 2.0) is None  # the guest goes: its place was nobody's
    assert later.waiting and worker.in_flight == 1
    follow = pool.done(worker, 3.0)
    assert follow is later
    assert pool.done(worker, 4.0) is None
    assert pool.take(5.0) is worker


# --- calls that come past the pool ----------------------------------------------------------------


def test_who_rests_longest_is_shown_and_may_be_occupied() -> None:
    pool, (one, two), _ = made(2)
    assert pool.rested is one
    pool.occupy(one)
    assert (one.in_flight, pool.rested) == (1, two)
    assert pool.take(0.0) is two
    assert pool.rested is None
    assert pool.take(0.0) is None
    assert pool.done(one, 1.0) is None
    assert pool.rested is one
    assert (one.served, pool.last_done) == (1, 1.0)


def test_a_worker_that_is_occupied_twice_is_busy_until_both_have_ended() -> None:
    pool, (one,), _ = made(1, concurrency=2)
    pool.occupy(one)
    pool.occupy(one)
    assert one.in_flight == 2
    assert pool.take(0.0) is None
    ticket = pool.enqueue("waits", 0.0)
    assert pool.done(one, 1.0) is ticket
    assert pool.done(one, 1.0) is None
    assert pool.rested is None
    pool.done(one, 1.0)
    assert pool.rested is one


def test_a_closed_worker_may_be_occupied_by_what_came_before() -> None:
    pool, (one,), owner = made(1)
    pool.close(one)
    pool.occupy(one)
    assert (one.in_flight, pool.rested) == (1, None)
    pool.done(one, 1.0)
    assert owner.told == [("eased", one)]
