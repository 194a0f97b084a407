"""A place for one process of a backend: at most one at a time, with its state and its history.

A seat outlives its workers. What it is for can change: a spare takes over the duty, and with it
the history, of a seat whose worker died.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from bridgekit.policy.lifecycle import Event, State, StateChange, next_state
from bridgekit.policy.pooling import Worker
from bridgekit.policy.restart import Death, RestartHistory

__all__ = ["After", "Role", "Seat"]

Role: TypeAlias = Literal["duty", "spare", "relief"]
"""``relief`` is started to replace a worker on duty, and becomes ``duty`` when it is ready."""

After: TypeAlias = Literal["stop", "rest", "start", "leave"]
"""What follows when a process has ended because its host wanted it to."""


class Seat:
    """One place. ``number`` is unique in its backend, ``permit`` whether it may have a process.

    ``after`` is set while its process is meant to end; ``restart_at`` while it backs off.
    """

    __slots__ = (
        "after",
        "generation",
        "history",
        "last_death",
        "number",
        "permit",
        "restart_at",
        "restarts",
        "role",
        "state",
        "story",
        "worker",
    )

    def __init__(self, number: int, role: Role) -> None:
        self.number = number
        self.role: Role = role
        self.state: State = "stopped"
        self.worker: Worker | None = None
        self.generation = 0
        self.history = RestartHistory()
        self.permit: Literal["none", "asked", "held"] = "none"
        self.after: After | None = None
        self.restart_at = math.inf
        self.restarts = 0
        self.last_death: Death | None = None
        self.story = ""

    def change(
        self,
        event: Event,
        reason: str,
        now: float,
        backend: str,
        tell: Callable[[StateChange], object],
    ) -> None:
        """Go where the table says ``event`` leads, and tell; raises IllegalTransition."""
        old, self.state = self.state, next_state(self.state, event)
        tell(StateChange(backend, self.number, old, self.state, reason, now))

    @property
    def shown(self) -> State:
        """The state to show: a worker with calls in flight is busy even if nobody was told."""
        if self.state == "ready" and self.worker is not None and self.worker.in_flight:
            return "busy"
        return self.state

    @property
    def at_hand(self) -> bool:
        """Whether its worker is ready, on duty or to take over, and is not meant to end."""
        return self.state in {"ready", "busy"} and self.after is None

    @property
    def vacant(self) -> bool:
        """Whether it is on duty and has to wait for its next worker."""
        waits = self.state == "backing-off" or self.permit == "asked"
        return self.role == "duty" and self.worker is None and waits

    @property
    def coming(self) -> bool:
        """Whether a ready worker may be expected here without anybody doing anything."""
        return (
            self.state in {"starting", "backing-off"}
            or self.permit == "asked"
            or self.after == "start"
        )
