"""Processes of one manager, shared between its backends."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridgekit.policy.budget import MAX_PROCESSES, Claim, ProcessBudget


def test_up_to_the_limit_and_then_in_turn() -> None:
    budget = ProcessBudget(2)
    a, b, c, d = (Claim(name, 0) for name in "abcd")
    assert budget.ask(a)
    assert budget.ask(a), "asking again changes nothing"
    assert budget.ask(b)
    assert not budget.ask(c)
    assert not budget.ask(d)
    assert (budget.used, budget.waiting) == (2, (c, d))
    assert budget.free(a) == [c]
    assert budget.free(a) == []
    assert budget.free(d) == []
    assert budget.free(b) == []
    assert budget.used == 1


def test_a_backend_with_fewer_processes_goes_first() -> None:
    budget = ProcessBudget(3)
    assert all(budget.ask(Claim("big", n)) for n in range(3))
    assert not budget.ask(Claim("big", 3))
    assert not budget.ask(Claim("small", 0))
    assert budget.free(Claim("big", 0)) == [Claim("small", 0)]
    assert budget.free(Claim("big", 1)) == [Claim("big", 3)]


def test_an_optional_process_does_not_wait_and_does_not_overtake() -> None:
    budget = ProcessBudget(1)
    assert budget.ask(Claim("a", 0), optional=True)
    assert not budget.ask(Claim("a", 1), optional=True)
    assert budget.waiting == ()


def test_no_limit() -> None:
    budget = ProcessBudget(None)
    assert all(budget.ask(Claim("a", n)) for n in range(100))
    assert budget.free(Claim("a", 5)) == []
    assert ProcessBudget().limit == MAX_PROCESSES == 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 4)), max_size=80))
def test_nobody_starves_and_the_limit_holds(steps: list[tuple[bool, int, int]]) -> None:
    budget = ProcessBudget(3)
    held: set[Claim] = set()
    for asks, backend, seat in steps:
        claim = Claim(backend, seat)
        if asks:
            if budget.ask(claim):
                held.add(claim)
        else:
            held.discard(claim)
            held.update(budget.free(claim))
        assert budget.used == len(held) <= 3
        assert not budget.waiting or len(held) == 3
    while held:
        claim = held.pop()
        held.update(budget.free(claim))
    assert not budget.waiting
