"""10,000 small events from the child to the host, each of which reaches a handler."""

from __future__ import annotations

from time import perf_counter_ns as clock

from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor
from benchmarks.workloads import base


class Workload(base.Workload):
    """Time per event, from the call that asks for them to the last one handled."""

    title = "10,000 small events to the host (time per event)"
    ability = "events"
    unit = "event"
    count = 10_000
    least = 1000
    rounds = 15

    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """One burst."""
        started = clock()
        seen = competitor.events(count)
        spent = clock() - started
        base.check(seen == count)
        return [spent / count]

    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """One burst."""
        started = clock()
        seen = await competitor.events(count)
        spent = clock() - started
        base.check(seen == count)
        return [spent / count]
