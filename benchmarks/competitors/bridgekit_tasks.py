"""bridgekit on asyncio with one task per call: what a web server does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from benchmarks.competitors import bridgekit_asyncio


class Competitor(bridgekit_asyncio.Competitor):
    """100 tasks at a time, each with a call of its own and its own timeout."""

    title = "bridgekit, asyncio, one task per call"
    skips = ("call", "events", "bulk")

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """One task per call."""
        return await asyncio.gather(*(self.call(value) for value in values))
