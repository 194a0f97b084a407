"""The bars: what the project promised, by bench and row. Ratios to the floor of the same round.

A later issue that raises a bar edits this file and nothing else.
"""

from __future__ import annotations

from benchmarks.model import Bar

BARS: dict[str, Bar] = {
    "call/bridgekit_blocking": Bar(1.5, 1.6),
    "call/bridgekit_asyncio": Bar(2.8),
    "call/bridgekit_uvloop": Bar(2.1),
    "call/bridgekit_trio": Bar(4.0),
    "flight/bridgekit_blocking": Bar(1.5),
    "flight/bridgekit_asyncio": Bar(1.5),
    "flight/bridgekit_tasks": Bar(3.0),
    "events/bridgekit_blocking": Bar(1.0),
    "events/bridgekit_asyncio": Bar(1.0),
    "bulk/bridgekit_blocking": Bar(1.0),
    "bulk/bridgekit_asyncio": Bar(1.0),
    "startup/bridgekit": Bar(1.6),
    "modules/cold": Bar(12),
    "modules/forbidden": Bar(0),
    "memory/rss": Bar(3.0),
    "recovery/pending": Bar(100.0),
    "recovery/spare": Bar(20.0),
    "recovery/cold": Bar(1.3),
    "crashloop/spawns": Bar(6),
    "crashloop/unfinished": Bar(0),
    "idle/cpu": Bar(5.0),
    "idle/memory": Bar(100.0),
    "pools/asyncio": Bar(1 / 1.7),
    "pools/trio": Bar(1 / 1.7),
    "pools/blocking": Bar(1 / 1.7),
    "overhead/asyncio": Bar(1.15),
    "overhead/trio": Bar(1.15),
    "overhead/blocking": Bar(1.15),
    "orphans/survivors": Bar(0),
    "outcomes/asyncio": Bar(0),
    "outcomes/trio": Bar(0),
    "outcomes/blocking": Bar(0),
    "stalled/memory": Bar(64.0),
    "stalled/unsettled": Bar(0),
    "flood/asyncio": Bar(0),
    "flood/trio": Bar(0),
    "flood/blocking": Bar(0),
    "cycles/asyncio": Bar(0),
    "cycles/trio": Bar(0),
    "cycles/blocking": Bar(0),
}


def bar(bench: str, row: str) -> Bar:
    """The bar of a row, or one that asks for nothing."""
    return BARS.get(f"{bench}/{row}", Bar())
