"""How many processes a manager may have, shared fairly between its backends.

A backend that has fewer processes goes first, among equals the one that has waited longer; so a
backend with many workers cannot keep the others from having one.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

__all__ = ["MAX_PROCESSES", "Claim", "ProcessBudget"]

MAX_PROCESSES = 10
"""Processes of one manager unless told otherwise."""


class Claim(NamedTuple):
    """A process that ``backend`` has or waits for, in the seat ``seat``."""

    backend: Hashable
    seat: Hashable


class ProcessBudget:
    """Counts processes. Answer each ``NeedProcess`` with :meth:`ask`, each end with :meth:`free`.

    ``limit`` None means no limit. Costs O(claims that wait), which is fine for what happens once
    a process.
    """

    __slots__ = ("_held", "_per_backend", "_waiting", "limit")

    def __init__(self, limit: int | None = MAX_PROCESSES) -> None:
        self.limit = limit
        self._held: set[Claim] = set()
        self._waiting: dict[Claim, None] = {}
        self._per_backend: dict[Hashable, int] = {}

    @property
    def used(self) -> int:
        """The processes that are granted."""
        return len(self._held)

    @property
    def waiting(self) -> tuple[Claim, ...]:
        """Who waits, in order of arrival."""
        return tuple(self._waiting)

    def ask(self, claim: Claim, *, optional: bool = False) -> bool:
        """Grant ``claim`` now, or remember it (an ``optional`` one is refused instead)."""
        if claim in self._held:
            return True
        room = self.limit is None or len(self._held) < self.limit
        if room and not self._waiting:
            self._grant(claim)
            return True
        if not optional:
            self._waiting[claim] = None
        return False

    def free(self, claim: Claim) -> list[Claim]:
        """Take ``claim`` back, granted or waiting; return the claims that are granted now."""
        self._waiting.pop(claim, None)
        if claim in self._held:
            self._held.remove(claim)
            left = self._per_backend[claim.backend] - 1
            if left:
                self._per_backend[claim.backend] = left
            else:
                del self._per_backend[claim.backend]
        granted = []
        while self._waiting and (self.limit is None or len(self._held) < self.limit):
            neediest = min(self._waiting, key=self._has)
            del self._waiting[neediest]
            self._grant(neediest)
            granted.append(neediest)
        return granted

    def _has(self, claim: Claim) -> int:
        return self._per_backend.get(claim.backend, 0)

    def _grant(self, claim: Claim) -> None:
        self._held.add(claim)
        self._per_backend[claim.backend] = self._has(claim) + 1
