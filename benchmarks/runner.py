"""The process of one competitor: opens its session, then measures one round per line on stdin.

A process of its own keeps one competitor's threads, heap and imports out of another's figures.
Between its rounds it waits in a blocking read, so that it takes nothing from the others.

    python -m benchmarks.runner COMPETITOR WORKLOAD [CPU]
    → {"count": 1000}          ← {"p50": 24012.0, "p99": 31007.0}     (nanoseconds)

A round begins with an unrecorded stretch of a tenth as many calls: while others were measured,
and by the garbage collection before it, its caches went cold. Slow calls after that would be
counted in p99, the more of them the more code a competitor has.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
from typing import TYPE_CHECKING, Any, TextIO

from benchmarks import discovery
from benchmarks.competitors.base import AsyncCompetitor, BlockingCompetitor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from benchmarks.workloads.base import Workload

    Link = tuple[TextIO, TextIO]


def summary(samples: list[float]) -> dict[str, float | None]:
    """Median and, if there are enough samples for it to mean anything, 99th percentile."""
    ordered = sorted(samples)
    p99 = ordered[int(len(ordered) * 0.99)] if len(ordered) >= 100 else None
    return {"p50": statistics.median(ordered), "p99": p99}


def serve(competitor: BlockingCompetitor, workload: Workload, link: Link) -> None:
    """Rounds of a blocking competitor."""
    commands, replies = link
    with competitor.session():
        print("{}", file=replies, flush=True)
        for line in commands:
            gc.collect()
            count = json.loads(line)["count"]
            workload.measure(competitor, max(1, count // 10))
            samples = workload.measure(competitor, count)
            print(json.dumps(summary(samples)), file=replies, flush=True)


async def serve_async(competitor: AsyncCompetitor, workload: Workload, link: Link) -> None:
    """Rounds of an awaited competitor; the loop stands still while others are measured."""
    commands, replies = link
    async with competitor.session():
        print("{}", file=replies, flush=True)
        for line in commands:
            gc.collect()
            count = json.loads(line)["count"]
            await workload.measure_async(competitor, max(1, count // 10))
            samples = await workload.measure_async(competitor, count)
            print(json.dumps(summary(samples)), file=replies, flush=True)


def launch(loop: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function on the named loop, the way its own documentation says."""
    if loop == "trio":
        import trio

        trio.run(main)
    elif loop == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        import asyncio

        asyncio.run(main())


def main(name: str, workload_name: str, cpu: str | None = None) -> None:
    """Pin (the child inherits it), keep stdin and stdout to ourselves, and serve."""
    if cpu is not None:
        os.sched_setaffinity(0, {int(cpu)})
    link = (os.fdopen(os.dup(0), encoding="ascii"), os.fdopen(os.dup(1), "w", encoding="ascii"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    competitor = discovery.competitor(name)(workload_name)
    workload = discovery.workload(workload_name)
    if isinstance(competitor, BlockingCompetitor):
        serve(competitor, workload, link)
    else:
        launch(competitor.loop, lambda: serve_async(competitor, workload, link))


if __name__ == "__main__":
    main(*sys.argv[1:])
