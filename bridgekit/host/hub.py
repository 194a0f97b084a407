"""What the backends of one manager share: the budget of processes, and who listens to changes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakSet

from bridgekit.policy.actions import NeedProcess, ReleaseProcess
from bridgekit.policy.budget import Claim, ProcessBudget
from bridgekit.policy.lifecycle import StateChange

if TYPE_CHECKING:
    from bridgekit.host.driving import Driver

__all__ = ["MAX_CHANGES", "ChangeQueue", "Hub"]

MAX_CHANGES = 10_000
"""Changes that wait for one listener; the oldest are dropped, and counted."""


class ChangeQueue:
    """The changes that one listener has not read yet; subclass per face for the waiting."""

    def __init__(self) -> None:
        self.dropped = 0
        self.ended = False
        self._waiting: deque[StateChange] = deque()

    def put(self, change: StateChange) -> None:
        """Take one change."""
        if len(self._waiting) >= MAX_CHANGES:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(change)
        self.wake()

    def take(self) -> StateChange | None:
        """Return the oldest change, or None when none waits."""
        return self._waiting.popleft() if self._waiting else None

    def end(self) -> None:
        """No change will come any more."""
        self.ended = True
        self.wake()

    def wake(self) -> None:
        """Hook: there is something to take, or the end has come."""


class Hub:
    """Shared by the drivers of one manager; ``limit`` bounds their processes."""

    def __init__(self, limit: int) -> None:
        self.budget = ProcessBudget(limit)
        self.drivers: set[Driver] = set()
        self._listeners: WeakSet[ChangeQueue] = WeakSet()

    @property
    def observed(self) -> bool:
        """Whether anybody listens to changes."""
        return len(self._listeners) > 0

    def listen(self, queue: ChangeQueue) -> None:
        """Tell ``queue`` of every change until it is forgotten."""
        self._listeners.add(queue)
        for driver in tuple(self.drivers):
            driver.observe()

    def unlisten(self, queue: ChangeQueue) -> None:
        """Tell it no more, and that this is the end."""
        self._listeners.discard(queue)
        queue.end()

    def tell(self, change: StateChange) -> None:
        """A worker of one of the backends changed its state."""
        for queue in tuple(self._listeners):
            queue.put(change)

    def close(self) -> None:
        """End all listening."""
        for queue in tuple(self._listeners):
            self.unlisten(queue)

    def provide(self, driver: Driver, action: NeedProcess, now: float) -> None:
        """Grant a process, deny it, or remember who waits."""
        if self.budget.ask(Claim(driver, action.seat), optional=action.optional):
            driver.supervisor.granted(action.seat, now)
        elif action.optional:
            driver.supervisor.denied(action.seat, now)

    def release(self, driver: Driver, action: ReleaseProcess, now: float) -> None:
        """Take a process back, and give it to whoever waits."""
        for claim in self.budget.free(Claim(driver, action.seat)):
            other: Driver = claim.backend  # type: ignore[assignment]
            other.supervisor.granted(claim.seat, now)  # type: ignore[arg-type]
            other.sync()
