"""A call on its way to a worker: when there is something to wait for, and when not any more."""

from __future__ import annotations

import math
from typing import Any

from bridgekit.host.entries import Entry
from bridgekit.policy.pooling import Worker
from bridgekit.policy.seats import Seat


class Woken(Entry):
    wakes = 0

    def wake(self) -> None:
        self.wakes += 1


def test_deadlines_follow_from_timeouts() -> None:
    assert Woken("add", None, 100.0, 5.0).deadline == 105.0
    assert Woken("add", None, 100.0, None).deadline == math.inf


def test_it_is_settled_when_sent_or_failed_and_not_when_it_waits_again() -> None:
    entry = Woken("add", [1], 0.0, None)
    assert not entry.settled
    call: Any = object()
    entry.call = call
    assert entry.settled
    entry.wait_again()
    assert not entry.settled
    error = ValueError("no")
    entry.fail(error)
    assert entry.settled
    assert entry.error is error
    assert entry.wakes == 1


def test_a_granted_place_may_be_taken_back_any_number_of_times() -> None:
    entry = Woken("rows", None, 0.0, None, sends=False)
    assert entry.idempotent
    for _ in range(3):
        entry.worker = Worker(Seat(0, "duty"), 1, 0.0)
        assert entry.settled
        entry.resent = True
        entry.wait_again()
        assert not entry.settled
        assert not entry.resent
