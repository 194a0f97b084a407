"""When a backend may sleep."""

from __future__ import annotations

import math

from bridgekit.policy.idle import idle_since, sleep_at


def test_without_a_timeout_never() -> None:
    assert sleep_at(None, 5.0, busy=False, last_done=0.0, on_duty_since=0.0) == math.inf


def test_a_busy_backend_is_looked_at_again_later() -> None:
    assert sleep_at(10.0, 5.0, busy=True, last_done=0.0, on_duty_since=0.0) == 15.0


def test_use_is_the_last_call_or_the_start() -> None:
    assert sleep_at(10.0, 50.0, busy=False, last_done=3.0, on_duty_since=1.0) == 13.0
    assert sleep_at(10.0, 50.0, busy=False, last_done=-math.inf, on_duty_since=7.0) == 17.0
    assert idle_since(4.0, 9.0) == 9.0
