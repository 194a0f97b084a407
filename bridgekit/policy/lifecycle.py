"""The states of a worker and the only ways from one to another, as one table.

Everything that decides which state may follow which lives here, knows nothing of processes and
does no I/O, so that tests and the diagram in the documentation read the same table as the
supervisor. ``python -m bridgekit.policy.lifecycle`` prints the diagram (Mermaid, or Graphviz
with ``--dot``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from bridgekit.errors import BackendError

__all__ = [
    "STATES",
    "TRANSITIONS",
    "Event",
    "IllegalTransition",
    "State",
    "StateChange",
    "graphviz",
    "main",
    "mermaid",
    "next_state",
    "overall",
]

State: TypeAlias = Literal[
    "stopped",
    "starting",
    "ready",
    "busy",
    "paused",
    "stopping",
    "backing-off",
    "failed",
    "idle",
]

Event: TypeAlias = Literal[
    "start",  # a process is being started
    "ready",  # its handshake is over
    "take",  # it got a call and had none
    "quiet",  # its last call ended
    "pause",
    "resume",
    "stop",  # it is being stopped: by its host, for idleness, to be replaced
    "ended",  # its process is gone, and that is that
    "rested",  # its process is gone because nobody called
    "retry",  # its process died and is to be started again later
    "give-up",  # its process died and is not to be started again
]

STATES: Mapping[State, str] = {
    "stopped": "no process; the host stopped it, or it ended well",
    "starting": "a process is being started, up to the end of its handshake",
    "ready": "waits for a call",
    "busy": "has calls in flight",
    "paused": "takes no calls until resumed; queued calls wait",
    "stopping": "the process is being stopped",
    "backing-off": "the process died; the next one starts after a delay",
    "failed": "died too often, or in a way that no restart can mend",
    "idle": "no process, because nobody called; the next call starts one",
}
"""Each state with what it means, for documentation and tables."""

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    "stopped": {"start": "starting"},
    "starting": {
        "ready": "ready",
        "stop": "stopping",
        "ended": "stopped",
        "retry": "backing-off",
        "give-up": "failed",
    },
    "ready": {
        "take": "busy",
        "pause": "paused",
        "stop": "stopping",
        "ended": "stopped",
        "retry": "backing-off",
        "give-up": "failed",
    },
    "busy": {
        "quiet": "ready",
        "pause": "paused",
        "stop": "stopping",
        "ended": "stopped",
        "retry": "backing-off",
        "give-up": "failed",
    },
    "paused": {
        "resume": "ready",
        "stop": "stopping",
        "ended": "stopped",
        "retry": "backing-off",
        "give-up": "failed",
    },
    "stopping": {"ended": "stopped", "rested": "idle"},
    "backing-off": {"start": "starting", "stop": "stopped"},
    "failed": {"start": "starting", "stop": "stopped"},
    "idle": {"start": "starting", "stop": "stopped"},
}


class IllegalTransition(BackendError):
    """An event came that the state does not allow: a mistake in the host, never in a backend."""


class StateChange(NamedTuple):
    """One worker went from one state to another.

    ``backend`` is the backend's name, ``worker`` the number of the worker within it, ``reason``
    says in words why, ``at`` is the moment on the supervisor's clock.
    """

    backend: str
    worker: int
    old: State
    new: State
    reason: str
    at: float


def next_state(state: State, event: Event) -> State:
    """Return the state that follows ``event``; raises IllegalTransition when none does."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        allowed = ", ".join(TRANSITIONS.get(state, ())) or "nothing"
        raise IllegalTransition(
            f"a worker that is {state} cannot {event!r}; what it can: {allowed}"
        ) from None


_ORDER: tuple[State, ...] = (
    "busy",
    "ready",
    "paused",
    "starting",
    "backing-off",
    "stopping",
    "idle",
    "failed",
    "stopped",
)


def overall(states: frozenset[State] | set[State]) -> State:
    """Return one state for a backend whose workers are in ``states``: the most able one's."""
    for state in _ORDER:
        if state in states:
            return state
    return "stopped"


def mermaid() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> stopped"]
    lines += [f'    state "{state}" as {_identifier(state)}' for state in STATES if "-" in state]
    for old, events in TRANSITIONS.items():
        for new, labels in _edges(events).items():
            lines.append(f"    {_identifier(old)} --> {_identifier(new)}: {labels}")
    return "\n".join(lines) + "\n"


def graphviz() -> str:
    """Return the table as a Graphviz digraph."""
    lines = ["digraph lifecycle {", "    rankdir=LR;", "    node [shape=box, style=rounded];"]
    lines += [f'    "{state}" [tooltip="{meaning}"];' for state, meaning in STATES.items()]
    for old, events in TRANSITIONS.items():
        lines += [
            f'    "{old}" -> "{new}" [label="{labels}"];' for new, labels in _edges(events).items()
        ]
    return "\n".join([*lines, "}"]) + "\n"


def _identifier(state: str) -> str:
    return state.replace("-", "_")


def _edges(events: Mapping[Event, State]) -> dict[State, str]:
    """Group the events by where they lead, so that the diagram has one arrow for each pair."""
    edges: dict[State, str] = {}
    for event, new in events.items():
        edges[new] = f"{edges[new]}, {event}" if new in edges else event
    return edges


def main(arguments: list[str]) -> None:
    """Print the diagram: Mermaid, or Graphviz with ``--dot``."""
    sys.stdout.write(graphviz() if "--dot" in arguments else mermaid())


if __name__ == "__main__":  # pragma: no cover - its test runs in a process of its own
    main(sys.argv[1:])
