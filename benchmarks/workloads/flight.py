"""10,000 calls of 100 bytes with 100 in flight."""

from __future__ import annotations

from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor
from benchmarks.workloads import base

WINDOW = [f"{number:03d}".ljust(100, "x") for number in range(100)]
"""All different, so that a reply that goes to the wrong call is noticed."""


class Workload(base.Workload):
    """Time per call; the floor writes each window of 100 in one write."""

    title = "10,000 calls of 100 bytes with 100 in flight (time per call)"
    ability = "window"
    count = 10_000
    least = len(WINDOW)
    rounds = 15

    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """Windows of 100, one after the other."""
        return base.windows(competitor, WINDOW, count)

    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """Windows of 100, one after the other."""
        return await base.windows_async(competitor, WINDOW, count)
