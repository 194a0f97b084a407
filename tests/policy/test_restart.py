"""Restart decisions as a function of history: backoff, intensity, reset, and the story."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridgekit.policy.restart import (
    Death,
    Decision,
    GiveUp,
    RestartHistory,
    RestartPolicy,
    Retry,
    StayDown,
    decide,
)

STABLE: dict[str, Any] = {"lived": 40.0, "served": 3}


def run(
    policy: RestartPolicy, *deaths: Death, draw: float = 0.5
) -> tuple[RestartHistory, Decision]:
    history = RestartHistory()
    decision: Decision = StayDown("nothing happened")
    for death in deaths:
        history, decision = decide(policy, history, death, lambda: draw)
    return history, decision


def crash(at: float, **fields: Any) -> Death:
    return Death(at=at, reason=fields.pop("reason", "exit code 1"), code=1, **fields)


def test_delays_double_up_to_the_ceiling() -> None:
    policy = RestartPolicy(jitter=False, max_restarts=100)
    history = RestartHistory()
    delays = []
    for number in range(12):
        history, decision = decide(policy, history, crash(number * 60.0), lambda: 0.0)
        assert isinstance(decision, Retry)
        assert decision.at == number * 60.0 + decision.delay
        assert decision.attempt == number + 1
        delays.append(decision.delay)
    assert delays[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert delays[9:] == [30.0, 30.0, 30.0]


def test_ten_years_of_failures_do_not_overflow() -> None:
    history = RestartHistory(streak=10_000_000)
    _, decision = decide(RestartPolicy(jitter=False), history, crash(0.0), lambda: 0.0)
    assert decision == Retry(30.0, 30.0, 10_000_001)


@given(st.integers(0, 20), st.floats(0, 1, exclude_max=True))
def test_jitter_takes_any_part_of_the_delay(streak: int, draw: float) -> None:
    policy = RestartPolicy()
    history = RestartHistory(streak=streak)
    _, decision = decide(policy, history, crash(0.0), lambda: draw)
    assert isinstance(decision, Retry)
    assert decision.delay == draw * min(0.1 * 2**streak, 30.0)


def test_no_backoff_restarts_at_once() -> None:
    policy = RestartPolicy(backoff=0)
    _, decision = run(policy, crash(1.0), crash(2.0), crash(3.0))
    assert decision == Retry(3.0, 0.0, 3)


def test_more_deaths_than_allowed_within_the_window_are_the_end() -> None:
    policy = RestartPolicy(max_restarts=2, window=10.0)
    _, decision = run(policy, crash(0.0), crash(5.0))
    assert isinstance(decision, Retry)
    _, decision = run(policy, crash(0.0), crash(5.0), crash(10.0))
    assert isinstance(decision, GiveUp)
    _, decision = run(policy, crash(0.0), crash(5.0), crash(10.1))
    assert isinstance(decision, Retry)


def test_no_restart_at_all_may_be_allowed() -> None:
    _, decision = run(RestartPolicy(max_restarts=0), crash(0.0))
    assert isinstance(decision, GiveUp)


def test_a_moment_ago_has_no_sign_of_its_own() -> None:
    _, decision = run(RestartPolicy(max_restarts=1), crash(9.96), crash(10.0))
    assert isinstance(decision, GiveUp)
    assert "  1. +0.0 s:" in decision.story


def test_the_story_tells_of_each_death() -> None:
    policy = RestartPolicy(max_restarts=1, window=60.0)
    first = crash(100.0, pid=41, lived=2.0, served=7, in_flight=2)
    last = Death(at=110.0, reason="killed by SIGKILL", signal="SIGKILL")
    _, decision = run(policy, first, last)
    assert isinstance(decision, GiveUp)
    assert decision.story.splitlines() == [
        (
            "not started again: it died 2 times within 60 s, and at most 1 restarts are allowed "
            "in that time"
        ),
        "  1. -10.0 s: pid 41, exit code 1, after 2.0 s on duty, 7 calls served, 2 in flight",
        "  2. +0.0 s: killed by SIGKILL, before it was on duty",
    ]


@pytest.mark.parametrize(
    ("life", "forgotten"),
    [
        ({"lived": 40.0, "served": 1}, True),
        ({"lived": 30.0, "served": 1}, True),
        ({"lived": 40.0, "served": 0}, False),
        ({"lived": 29.9, "served": 99}, False),
    ],
)
def test_only_stable_time_and_a_served_call_together_reset(
    life: dict[str, Any], forgotten: bool
) -> None:
    policy = RestartPolicy(max_restarts=2, jitter=False)
    history, decision = run(policy, crash(0.0), crash(1.0), crash(50.0, **life))
    assert isinstance(decision, Retry if forgotten else GiveUp)
    assert len(history.deaths) == (1 if forgotten else 3)
    assert history.streak == (1 if forgotten else 3)


def test_leaving_well_soon_after_the_handshake_counts_as_a_failure() -> None:
    deaths = [Death(at=n, reason="exit code 0", code=0, lived=0.5, served=2) for n in range(6)]
    _, decision = run(RestartPolicy(), *deaths[:5])
    assert isinstance(decision, Retry)
    _, decision = run(RestartPolicy(), *deaths)
    assert isinstance(decision, GiveUp)


@pytest.mark.parametrize(
    ("mode", "expected"), [("on-failure", StayDown), ("never", StayDown), ("always", Retry)]
)
def test_a_good_end_restarts_only_with_always(mode: Any, expected: type) -> None:
    end = Death(at=99.0, reason="exit code 0", code=0, **STABLE)
    history, decision = run(RestartPolicy(mode=mode), end)
    assert isinstance(decision, expected)
    assert len(history.deaths) == (expected is Retry)


def test_a_good_end_with_calls_in_flight_is_none() -> None:
    end = Death(at=99.0, reason="exit code 0", code=0, in_flight=1, **STABLE)
    assert isinstance(run(RestartPolicy(), end)[1], Retry)


def test_never_means_never() -> None:
    _, decision = run(RestartPolicy(mode="never"), crash(0.0, **STABLE))
    assert isinstance(decision, GiveUp)
    assert "its restart policy is 'never'" in decision.story


@pytest.mark.parametrize("mode", ["always", "on-failure", "never"])
def test_a_permanent_failure_is_never_tried_again(mode: Any) -> None:
    missing = Death(at=0.0, reason="no such file", permanent=True)
    _, decision = run(RestartPolicy(mode=mode), missing)
    assert isinstance(decision, GiveUp)
    assert "cannot help" in decision.story


@given(
    st.sampled_from(["always", "on-failure", "never"]),
    st.integers(0, 3),
    st.booleans(),
    st.floats(0, 100),
)
def test_a_deliberate_stop_never_restarts_and_is_never_held_against_it(
    mode: Any, code: int, permanent: bool, lived: float
) -> None:
    before = RestartHistory((crash(0.0),), 1)
    stop = Death(
        at=5.0, reason="stopped", code=code, permanent=permanent, lived=lived, requested=True
    )
    history, decision = decide(RestartPolicy(mode=mode), before, stop, lambda: 0.0)
    assert decision == StayDown("stopped")
    assert history == before


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "sometimes"},
        {"max_restarts": -1},
        {"max_restarts": 1.5},
        {"window": 0},
        {"backoff": -1},
        {"backoff_max": "long"},
        {"jitter": 1},
        {"stable_after": -0.1},
        {"backoff": 5.0, "backoff_max": 1.0},
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, Any]) -> None:
    name = "backoff_max" if len(fields) > 1 else next(iter(fields))
    with pytest.raises(ValueError, match=rf"^{name}=.* is not allowed: it must be "):
        RestartPolicy(**fields)


class OneWorker(RuleBasedStateMachine):
    """Whatever a worker does, its starts stay within the intensity and its history is bounded."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = RestartPolicy(max_restarts=3, window=100.0, stable_after=30.0)
        self.random = random.Random(5).random
        self.history = RestartHistory()
        self.now = 0.0
        self.since_reset = [0.0]
        self.down = False

    @rule(
        lived=st.floats(0, 120),
        served=st.integers(0, 2),
        code=st.integers(0, 2),
        requested=st.booleans(),
    )
    def die(self, lived: float, served: int, code: int, requested: bool) -> None:
        if self.down:
            return
        self.now += lived
        death = Death(
            at=self.now,
            reason="x",
            code=code,
            lived=lived,
            served=served,
            requested=requested and code == 2,
        )
        self.history, decision = decide(self.policy, self.history, death, self.random)
        if isinstance(decision, Retry):
            if lived >= 30.0 and served:
                self.since_reset = []
            assert not death.requested
            assert self.now <= decision.at <= self.now + 30.0
            self.now = decision.at
            self.since_reset.append(self.now)
        else:
            self.down = True

    @invariant()
    def at_most_one_more_than_max_restarts_in_any_window(self) -> None:
        times = self.since_reset
        for start in times:
            assert sum(1 for t in times if start <= t <= start + 100.0) <= 4

    @invariant()
    def the_history_is_bounded(self) -> None:
        assert len(self.history.deaths) <= 4


TestOneWorker = OneWorker.TestCase
TestOneWorker.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
