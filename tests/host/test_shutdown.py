"""The stop ladder as data."""

from __future__ import annotations

import pytest

from bridgekit.host.shutdown import KILL_WAIT, stop_steps


def test_the_whole_ladder_in_order() -> None:
    assert [step.action for step in stop_steps(5.0)] == [
        "wake",
        "goodbye",
        "eof",
        "terminate",
        "kill",
    ]


def test_without_a_goodbye() -> None:
    assert [s.action for s in stop_steps(5.0, polite=False)] == ["wake", "eof", "terminate", "kill"]


@pytest.mark.parametrize("polite", [True, False])
@pytest.mark.parametrize("grace", [0.1, 5.0, 60.0])
def test_the_grace_is_the_sum_of_the_waits_before_the_kill(grace: float, polite: bool) -> None:
    *gentle, kill = stop_steps(grace, polite=polite)
    assert sum(step.wait for step in gentle) == pytest.approx(grace)
    assert kill == ("kill", KILL_WAIT, "exit")


def test_only_the_goodbye_ends_with_its_reply() -> None:
    assert [s.action for s in stop_steps(1.0) if s.until == "reply"] == ["goodbye"]


@pytest.mark.parametrize("grace", [0, 0.0, -1.0])
def test_no_grace_kills_at_once(grace: float) -> None:
    assert [step.action for step in stop_steps(grace)] == ["kill"]
