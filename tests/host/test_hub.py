"""What the backends of one manager share."""

from __future__ import annotations

import gc
from typing import Any

from bridgekit.host.hub import MAX_CHANGES, ChangeQueue, Hub
from bridgekit.policy.actions import NeedProcess, ReleaseProcess
from bridgekit.policy.lifecycle import StateChange
from bridgekit.policy.seats import Seat

CHANGE = StateChange("echo", 0, "stopped", "starting", "started", 1.0)


class Backend:
    """As much of a driver as the hub sees."""

    def __init__(self) -> None:
        self.supervisor = self
        self.granted_seats: list[Any] = []
        self.denied_seats: list[Any] = []
        self.looked = 0

    def granted(self, seat: Any, now: float) -> None:
        self.granted_seats.append(seat)

    def denied(self, seat: Any, now: float) -> None:
        self.denied_seats.append(seat)

    def observe(self) -> None:
        self.looked += 1

    def sync(self) -> None:
        self.looked += 1


def test_processes_are_granted_denied_or_waited_for() -> None:
    hub = Hub(1)
    one: Any = Backend()
    two: Any = Backend()
    first, second, third = Seat(0, "duty"), Seat(0, "duty"), Seat(1, "relief")
    hub.provide(one, NeedProcess(first, False), 0.0)
    hub.provide(two, NeedProcess(second, False), 0.0)
    hub.provide(two, NeedProcess(third, True), 0.0)
    assert (one.granted_seats, two.granted_seats, two.denied_seats) == ([first], [], [third])
    hub.release(one, ReleaseProcess(first), 1.0)
    assert two.granted_seats == [second]
    assert two.looked == 1


def test_listeners_hear_changes_until_they_are_forgotten() -> None:
    hub = Hub(1)
    backend: Any = Backend()
    hub.drivers.add(backend)
    queue = ChangeQueue()
    hub.listen(queue)
    assert hub.observed
    assert backend.looked == 1
    hub.tell(CHANGE)
    assert queue.take() == CHANGE
    assert queue.take() is None
    del queue
    gc.collect()
    assert not hub.observed


def test_a_slow_listener_loses_the_oldest_and_is_told_how_many() -> None:
    hub = Hub(1)
    queue = ChangeQueue()
    hub.listen(queue)
    for number in range(MAX_CHANGES + 3):
        hub.tell(CHANGE._replace(worker=number))
    first = queue.take()
    assert first is not None
    assert first.worker == 3
    assert queue.dropped == 3
    hub.close()
    assert queue.ended
    assert not hub.observed
