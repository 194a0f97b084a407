"""The table of states: complete, closed, and the same that the diagrams show."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.policy import lifecycle
from bridgekit.policy.lifecycle import (
    STATES,
    TRANSITIONS,
    Event,
    IllegalTransition,
    State,
    StateChange,
    next_state,
    overall,
)

EVENTS: tuple[Event, ...] = get_args(Event)
ALIVE: tuple[State, ...] = ("starting", "ready", "busy", "paused", "stopping")


def test_every_state_and_every_event_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(STATES) == set(get_args(State))
    used = {event for events in TRANSITIONS.values() for event in events}
    assert used == set(EVENTS)


def test_every_state_can_be_reached_and_left() -> None:
    seen: set[State] = {"stopped"}
    while True:
        more = {new for old in seen for new in TRANSITIONS[old].values()} | seen
        if more == seen:
            break
        seen = more
    assert seen == set(STATES)
    assert all(TRANSITIONS[state] for state in STATES)


@given(st.lists(st.sampled_from(EVENTS), max_size=50))
def test_no_order_of_events_leaves_the_table(events: list[Event]) -> None:
    state: State = "stopped"
    for event in events:
        if event in TRANSITIONS[state]:
            state = next_state(state, event)
            assert state in STATES
        else:
            with pytest.raises(IllegalTransition, match=f"that is {state} cannot '{event}'"):
                next_state(state, event)


@pytest.mark.parametrize("state", ALIVE)
def test_a_process_can_end_at_any_time(state: State) -> None:
    assert next_state(state, "ended") == "stopped"


def test_only_states_without_a_process_start_one() -> None:
    starters = {state for state, events in TRANSITIONS.items() if "start" in events}
    assert starters == set(STATES) - set(ALIVE)


def test_a_process_that_is_being_stopped_is_never_started_again_by_itself() -> None:
    assert set(TRANSITIONS["stopping"].values()) == {"stopped", "idle"}


def test_the_error_tells_what_is_possible() -> None:
    with pytest.raises(IllegalTransition, match=r"'resume'; what it can: start$"):
        next_state("stopped", "resume")


def test_a_change_tells_who_what_why_and_when() -> None:
    change = StateChange("echo", 0, "ready", "busy", "it got a call", 12.5)
    assert (change.backend, change.worker, change.old, change.new) == ("echo", 0, "ready", "busy")


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        (set(), "stopped"),
        ({"stopped"}, "stopped"),
        ({"failed", "ready"}, "ready"),
        ({"ready", "busy"}, "busy"),
        ({"failed", "backing-off"}, "backing-off"),
        ({"idle", "failed"}, "idle"),
        ({"stopped", "failed"}, "failed"),
    ],
)
def test_a_backend_shows_its_most_able_worker(states: set[State], shown: State) -> None:
    assert overall(states) == shown


def test_the_mermaid_diagram_has_every_arrow_of_the_table() -> None:
    text = lifecycle.mermaid()
    assert text.startswith("stateDiagram-v2\n")
    assert '    state "backing-off" as backing_off' in text
    for old, events in TRANSITIONS.items():
        for event, new in events.items():
            arrow = f"    {old} --> {new}: ".replace("backing-off", "backing_off")
            (line,) = [line for line in text.splitlines() if line.startswith(arrow)]
            assert event in line


def test_the_graphviz_diagram_has_every_arrow_of_the_table() -> None:
    text = lifecycle.graphviz()
    assert text.count(" -> ") == sum(len(set(events.values())) for events in TRANSITIONS.values())
    assert '"backing-off" -> "starting" [label="start"];' in text


def test_the_module_prints_its_diagram() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "bridgekit.policy.lifecycle"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == lifecycle.mermaid()


def test_the_module_runs_as_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    lifecycle.main(["--dot"])
    assert capsys.readouterr().out == lifecycle.graphviz()
