"""Which calls of a dead worker are sent again."""

from __future__ import annotations

import math

from bridgekit.policy.pooling import Pool, PoolOwner
from bridgekit.policy.queueing import Ticket
from bridgekit.policy.salvage import salvage


class Call:
    def __init__(self, *, idempotent: bool, resent: bool = False) -> None:
        self.idempotent = idempotent
        self.resent = resent
        self.priority = 0
        self.deadline = math.inf
        self.ticket: Ticket | None = None


def test_idempotent_calls_once_in_their_order_before_the_others() -> None:
    pool = Pool("echo", PoolOwner())
    other = object()
    pool.enqueue(other, 0.0)
    first, second = Call(idempotent=True), Call(idempotent=True)
    again, unsafe = Call(idempotent=True, resent=True), Call(idempotent=False)
    assert salvage(pool, [first, again, unsafe, second], 0.0) == [again, unsafe]
    assert [ticket.call for ticket in pool.queue.clear()] == [first, second, other]
    assert first.resent
    assert first.ticket is not None
    assert first.ticket.call is first
