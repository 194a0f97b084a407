"""When a worker has worked enough: by calls, by age, by memory.

A long-lived worker collects leaks and fragments; it is replaced in good time, without a failed
call. Each worker draws limits of its own, so that workers that started together do not go
together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import attrs

from bridgekit.policy.fields import fraction, optional, seconds, whole
from bridgekit.policy.suggest import names_its_fields

__all__ = ["Lease", "RecyclePolicy", "draw_lease"]

_NEVER = "no such limit"


@names_its_fields
@attrs.frozen
class RecyclePolicy:
    """Replace a worker after ``calls`` calls, ``age`` seconds or at ``memory`` bytes.

    None sets no limit. Each worker's own limits of calls and age lie up to the share ``jitter``
    below these; memory is a bound and is taken as it is.
    """

    calls: int | None = attrs.field(default=None, validator=optional(whole(1, "calls"), _NEVER))
    age: float | None = attrs.field(default=None, validator=optional(seconds(), _NEVER))
    memory: int | None = attrs.field(
        default=None, validator=optional(whole(1 << 20, "bytes"), _NEVER)
    )
    jitter: float = attrs.field(default=0.1, validator=fraction())


class Lease(NamedTuple):
    """What one worker may use up: calls, seconds, bytes."""

    calls: int
    age: float
    memory: float


def draw_lease(policy: RecyclePolicy, random: Callable[[], float], unlimited: int) -> Lease:
    """Draw the limits of one worker; ``random`` returns a float in [0, 1)."""
    calls, age = unlimited, math.inf
    if policy.calls is not None:
        calls = max(1, round(policy.calls * (1.0 - policy.jitter * random())))
    if policy.age is not None:
        age = policy.age * (1.0 - policy.jitter * random())
    return Lease(calls, age, math.inf if policy.memory is None else policy.memory)
