"""Busy is not dead: when to ask a worker whether it lives, and when to believe that it does not.

A worker whose calls still have time is left alone whatever it fails to answer: it may be
computing without letting go of the interpreter. It is hung when it answers nothing on the
control lane *and* its oldest call is over its deadline. Workers are asked only while they have
calls in flight (``idle=True``: also while they rest), so backends at rest cost nothing.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from bridgekit.policy.fields import boolean, seconds
from bridgekit.policy.suggest import names_its_fields

__all__ = ["HealthCheck", "Pulse", "Verdict"]

Verdict: TypeAlias = Literal["healthy", "busy", "ask", "hung"]


@names_its_fields
@attrs.frozen
class HealthCheck:
    """Ask after ``interval`` seconds of silence, expect an answer within ``timeout`` seconds.

    With ``idle`` workers without calls are asked too, and are hung when they do not answer.
    """

    interval: float = attrs.field(default=5.0, validator=seconds())
    timeout: float = attrs.field(default=5.0, validator=seconds())
    idle: bool = attrs.field(default=False, validator=boolean())


class Pulse:
    """What is known of one worker's health. ``next_look`` is when to look again (inf: rest)."""

    __slots__ = ("_asked", "_check", "_heard", "_served", "next_look")

    def __init__(self, check: HealthCheck, now: float) -> None:
        self._check = check
        self._heard = now
        self._asked: float | None = None
        self._served = 0
        self.next_look = math.inf

    def heard(self, now: float) -> None:
        """An answer came on the control lane."""
        self._heard = now
        self._asked = None

    def look(self, now: float, in_flight: int, served: int, oldest_deadline: float) -> Verdict:
        """Judge. ``"ask"`` means to send a ping now, ``"hung"`` to kill.

        ``served`` is the number of calls that the worker ended so far (each is a sign of life),
        ``oldest_deadline`` the earliest deadline of those that it has not ended, given up by
        their callers or not.
        """
        check = self._check
        if served != self._served:
            self._served = served
            self.heard(now)
        if not in_flight and not check.idle:
            self.next_look = math.inf
            self.heard(now)
            return "healthy"
        if self._asked is None:
            if now - self._heard < check.interval:
                self.next_look = self._heard + check.interval
                return "busy" if in_flight else "healthy"
            self._asked = now
            self.next_look = now + check.timeout
            return "ask"
        answer_due = self._asked + check.timeout
        if now < answer_due:
            self.next_look = answer_due
            return "busy" if in_flight else "healthy"
        if in_flight and now < oldest_deadline:
            self.next_look = min(now + check.interval, oldest_deadline)
            return "busy"
        self.next_look = math.inf
        return "hung"

    def silence(self, now: float) -> float:
        """Seconds since the last sign of life that was noticed."""
        return now - self._heard
