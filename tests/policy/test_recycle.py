"""Recycling: each worker's own limits, spread so that workers do not go together."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from bridgekit.policy.recycle import Lease, RecyclePolicy, draw_lease


def test_no_limits_by_default() -> None:
    assert draw_lease(RecyclePolicy(), lambda: 0.9, 10**9) == Lease(10**9, math.inf, math.inf)


def test_limits_lie_below_the_policy_by_at_most_the_jitter() -> None:
    policy = RecyclePolicy(calls=1000, age=3600.0, memory=1 << 30, jitter=0.2)
    draw = random.Random(2).random
    leases = [draw_lease(policy, draw, 10**9) for _ in range(200)]
    assert all(800 <= lease.calls <= 1000 and 2880 <= lease.age <= 3600 for lease in leases)
    assert len({lease.calls for lease in leases}) > 50
    assert {lease.memory for lease in leases} == {1 << 30}


def test_at_least_one_call() -> None:
    assert draw_lease(RecyclePolicy(calls=1, jitter=1.0), lambda: 0.99, 9).calls == 1


@pytest.mark.parametrize(
    "fields", [{"calls": 0}, {"age": 0}, {"memory": 5}, {"jitter": 2}, {"calls": 1.5}]
)
def test_bad_fields_are_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(fields))}=.* is not allowed: it must be "):
        RecyclePolicy(**fields)
