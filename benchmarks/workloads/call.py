"""A lone caller: one call of 100 bytes at a time."""

from __future__ import annotations

from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor
from benchmarks.workloads import base

PAYLOAD = "x" * 100


class Workload(base.Workload):
    """The latency of one call; bridgekit passes a timeout, as everybody should."""

    title = "one call of 100 bytes at a time"
    count = 2000
    least = 100
    rounds = 31
    tail = True

    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """Every call by itself."""
        return base.each(competitor, PAYLOAD, count)

    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """Every call by itself."""
        return await base.each_async(competitor, PAYLOAD, count)
