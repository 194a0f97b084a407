"""Eight threads share one child, each making one call of 100 bytes at a time."""

from __future__ import annotations

import threading
from time import perf_counter_ns as clock
from typing import TYPE_CHECKING

from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor, can
from benchmarks.workloads import base
from benchmarks.workloads.call import PAYLOAD

if TYPE_CHECKING:
    from benchmarks.competitors.base import AnyCompetitor

THREADS = 8


class Workload(base.Workload):
    """Wall time per call. The floor has no lock and therefore answers one caller."""

    title = "8 threads, one call of 100 bytes at a time each (wall time per call; floor: 1 thread)"
    count = 2000
    least = 8 * 12

    def suits(self, competitor: type[AnyCompetitor]) -> bool:
        """Only what may be called from any thread, and the floor to compare with."""
        safe = competitor.thread_safe or competitor.kind == "floor"
        return safe and issubclass(competitor, BlockingCompetitor) and can(competitor, "call")

    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """Start all threads at a barrier; the clock runs from there to the last reply."""
        if not competitor.thread_safe:
            started = clock()
            for _ in range(count):
                competitor.call(PAYLOAD)
            return [(clock() - started) / count]
        share = count // THREADS
        barrier = threading.Barrier(THREADS + 1)
        wrong: list[object] = []

        def work() -> None:
            call = competitor.call
            barrier.wait()
            try:
                wrong.extend(r for r in [call(PAYLOAD) for _ in range(share)] if r != PAYLOAD)
            except Exception as error:
                wrong.append(error)
                raise

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        barrier.wait()
        started = clock()
        for thread in threads:
            thread.join()
        spent = clock() - started
        base.check(not wrong)
        return [spent / (share * THREADS)]

    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """Not a question for an event loop."""
        raise NotImplementedError
