"""bridgekit on trio."""

from __future__ import annotations

from benchmarks.competitors import bridgekit_asyncio


class Competitor(bridgekit_asyncio.Competitor):
    """The same code on another loop."""

    title = "bridgekit, trio"
    needs = ("bridgekit", "trio")
    loop = "trio"
