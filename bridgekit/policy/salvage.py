"""Which calls of a dead worker are sent again: those declared idempotent, at most once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from bridgekit.policy.pooling import Pool
from bridgekit.policy.queueing import Ticket

__all__ = ["Resendable", "salvage"]


class Resendable(Protocol):
    """What a call in flight tells: is it safe to run twice, and was it sent again before?

    ``ticket`` is its place in the queue, a new one when it waits again.
    """

    idempotent: bool
    resent: bool
    priority: int
    deadline: float
    ticket: Ticket | None


CallT = TypeVar("CallT", bound=Resendable)


def salvage(pool: Pool, calls: Sequence[CallT], now: float) -> list[CallT]:
    """Queue again what may be sent again, in the old order; return the calls that are lost."""
    lost = []
    again = []
    for call in calls:
        if call.idempotent and not call.resent:
            call.resent = True
            again.append(call)
        else:
            lost.append(call)
    for call in reversed(again):
        call.ticket = pool.requeue(call, now, call.priority, call.deadline)
    return lost
