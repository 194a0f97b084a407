"""A seat: its state by the table, and what it shows."""

from __future__ import annotations

import pytest

from bridgekit.policy.lifecycle import IllegalTransition, StateChange
from bridgekit.policy.pooling import Worker
from bridgekit.policy.seats import Seat


def test_a_change_goes_by_the_table_and_is_told() -> None:
    told: list[StateChange] = []
    seat = Seat(3, "duty")
    seat.change("start", "wanted", 7.0, "echo", told.append)
    assert told == [StateChange("echo", 3, "stopped", "starting", "wanted", 7.0)]
    with pytest.raises(IllegalTransition):
        seat.change("resume", "x", 8.0, "echo", told.append)
    assert seat.state == "starting"


def test_a_ready_worker_with_calls_is_shown_as_busy() -> None:
    seat = Seat(0, "duty")
    seat.state = "ready"
    shown: list[str] = [seat.shown]
    seat.worker = Worker(seat, 1, 0.0)
    shown.append(seat.shown)
    seat.worker.in_flight = 1
    shown.append(seat.shown)
    assert shown == ["ready", "ready", "busy"]


def test_what_may_be_expected_of_a_seat() -> None:
    seat = Seat(0, "duty")
    assert not seat.coming
    assert not seat.vacant
    seat.permit = "asked"
    assert seat.coming
    assert seat.vacant
    seat.permit = "held"
    seat.after = "start"
    assert seat.coming
    assert not seat.vacant
    seat.after = None
    seat.state = "backing-off"
    assert seat.coming
    assert seat.vacant
    seat.state = "ready"
    assert seat.at_hand
    seat.after = "stop"
    assert not seat.at_hand
