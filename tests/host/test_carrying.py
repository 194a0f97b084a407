"""Memory is looked at now and then; test_driving.py has the calls."""

from __future__ import annotations

from bridgekit.host.carrying import Carrier
from bridgekit.policy.pooling import Worker
from bridgekit.policy.seats import Seat
from bridgekit.policy.supervised import Supervised
from bridgekit.policy.supervision import Supervisor


class Process:
    pid = 1

    def __init__(self) -> None:
        self.child = self
        self.worker = Worker(Seat(0, "duty"), 1, 0.0)
        self.worker.open = True


def test_memory_is_sampled_once_a_second() -> None:
    seen: list[float] = []

    class Looking(Supervisor):
        def memory(self, worker: Worker, used: float, now: float) -> None:
            assert used > 0
            seen.append(now)

    carrier = Carrier(Looking("echo", Supervised(), random=lambda: 0.0))
    carrier.processes[Process()] = None
    for now in (10.0, 10.2, 10.9, 11.1):
        carrier.sample(now)
    assert seen == [10.0, 11.1]
