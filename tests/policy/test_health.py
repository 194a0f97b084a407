"""Busy or dead: what a pulse concludes from answers, deadlines and time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bridgekit.policy.health import HealthCheck, Pulse


def pulse(**fields: Any) -> Pulse:
    return Pulse(HealthCheck(interval=5.0, timeout=2.0, **fields), 0.0)


def test_a_resting_worker_is_not_asked() -> None:
    one = pulse()
    assert one.look(100.0, 0, 0, math.inf) == "healthy"
    assert one.next_look == math.inf
    assert one.silence(101.0) == 1.0


def test_a_busy_worker_is_asked_after_the_interval_and_answers() -> None:
    one = pulse()
    assert one.look(4.0, 1, 0, math.inf) == "busy"
    assert one.next_look == 5.0
    assert one.look(5.0, 1, 0, math.inf) == "ask"
    assert one.next_look == 7.0
    assert one.look(6.0, 1, 0, math.inf) == "busy", "it still has time to answer"
    one.heard(6.5)
    assert one.look(7.0, 1, 0, 6.9) == "busy", "over its deadline, but alive"
    assert one.next_look == 11.5


def test_silent_within_the_deadline_is_busy_and_beyond_it_hung() -> None:
    one = pulse()
    assert one.look(5.0, 1, 0, 20.0) == "ask"
    assert one.look(7.0, 1, 0, 20.0) == "busy", "it may hold the interpreter; its call has time"
    assert one.next_look == 12.0
    assert one.look(17.0, 1, 0, 20.0) == "busy"
    assert one.next_look == 20.0, "not later than the deadline"
    assert one.look(20.0, 1, 0, 20.0) == "hung"
    assert one.next_look == math.inf
    assert one.silence(20.0) == 20.0


def test_a_call_without_a_deadline_may_compute_for_ever() -> None:
    one = pulse()
    one.look(5.0, 1, 0, math.inf)
    assert one.look(90_000.0, 1, 0, math.inf) == "busy"


def test_each_call_that_ends_is_a_sign_of_life() -> None:
    one = pulse()
    one.look(5.0, 1, 0, 6.0)
    assert one.look(8.0, 1, 1, 6.0) == "busy"
    assert one.look(9.0, 1, 1, 6.0) == "busy"
    assert one.next_look == 13.0


def test_resting_workers_are_asked_where_that_is_wanted() -> None:
    one = pulse(idle=True)
    assert one.look(1.0, 0, 0, math.inf) == "healthy"
    assert one.look(5.0, 0, 0, math.inf) == "ask"
    assert one.look(6.0, 0, 0, math.inf) == "healthy"
    assert one.look(7.0, 0, 0, math.inf) == "hung"


@pytest.mark.parametrize("fields", [{"interval": 0}, {"timeout": -1}, {"idle": "no"}])
def test_bad_fields_are_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(fields))}=.* is not allowed: it must be "):
        HealthCheck(**fields)
