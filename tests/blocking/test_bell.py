"""A pipe to oneself."""

from __future__ import annotations

from bridgekit.blocking import pipes
from bridgekit.blocking.bell import Bell


def test_it_rings_until_it_is_heard() -> None:
    bell = Bell()
    bell.ring()
    bell.hang()
    poller = pipes.Poller()
    poller.register(bell.reader, pipes.IN)
    assert poller.poll(0) == []
    for _ in range(2):
        bell.ring()
    assert poller.poll(0) == [(bell.reader, pipes.IN)]
    bell.silence()
    bell.silence()
    assert poller.poll(0) == []
    bell.close()


def test_it_may_ring_for_ever_and_after_the_end() -> None:
    bell = Bell()
    bell.ring()
    bell.hang()
    for _ in range(100_000):
        bell.ring()
    bell.close()
    bell.close()
    bell.ring()
    bell.silence()
