"""What the processes of a backend that are gone have counted: its own counters go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridgekit.host.session import Session
    from bridgekit.policy.pooling import Worker

__all__ = ["Counters"]


class Counters:
    """Sums over the processes that have ended."""

    __slots__ = ("calls", "failed", "late", "malformed")

    def __init__(self) -> None:
        self.calls = self.failed = self.late = self.malformed = 0

    def add(self, worker: Worker, session: Session) -> None:
        """Take over what a process has counted that is about to be forgotten."""
        pending = list(session.table.pending.values())
        lost = sum(1 for call in pending if not call.method.startswith("$/"))
        self.calls += worker.served + worker.in_flight
        self.failed += session.failed + lost
        self.late += session.late
        self.malformed += session.malformed

    def fields(self) -> dict[str, int]:
        """The sums under their names in a status."""
        return {
            "calls": self.calls,
            "failed_calls": self.failed,
            "late_replies": self.late,
            "malformed_frames": self.malformed,
        }
