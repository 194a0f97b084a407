"""A string of 10 MiB there and back."""

from __future__ import annotations

from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor
from benchmarks.workloads import base

PAYLOAD = "x" * (10 * 1024 * 1024)


class Workload(base.Workload):
    """Time per echo; the inverse of the throughput."""

    title = "a 10 MiB string both ways (time per echo)"
    count = 3
    least = 1
    rounds = 11

    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """Every echo by itself."""
        return base.each(competitor, PAYLOAD, count)

    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """Every echo by itself."""
        return await base.each_async(competitor, PAYLOAD, count)
