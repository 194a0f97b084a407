"""bridgekit on uvloop."""

from __future__ import annotations

from benchmarks.competitors import bridgekit_asyncio


class Competitor(bridgekit_asyncio.Competitor):
    """The same code on another loop."""

    title = "bridgekit, uvloop"
    needs = ("bridgekit", "uvloop")
    loop = "uvloop"
