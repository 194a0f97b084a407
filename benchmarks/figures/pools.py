"""CPU-bound calls through one worker and through two: the time of the same calls.

The ratio to beat is that of throughputs, 1.7 for two workers on two CPUs; the table shows times, as
everywhere, so that the bar is 1 / 1.7. Each round measures one, two and one again. As the host
needs its share of two CPUs as well, two are the least this can be measured on.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from time import perf_counter
from typing import Any

from benchmarks import bars, isolated
from benchmarks.competitors.base import BACKENDS
from benchmarks.faces import FACES, loop_of, open_manager
from benchmarks.model import Row, Settings, Table

TITLE = "CPU-bound calls through two workers, in times of the same through one"
BOTH_MODES = False
CALLS, WORK = 60, 150_000


def run(settings: Settings) -> Table:
    """A row per face."""
    rounds = "2" if settings.quick else "12"
    rows = []
    for face in FACES:
        row = Row("pools", face, f"bridgekit, {face}", bar=bars.bar("pools", face))
        if len(os.sched_getaffinity(0)) < 2:
            rows.append(Row("pools", face, row.title, note="needs two CPUs"))
            continue
        try:
            found: list[list[float]] = isolated.ask("benchmarks.figures.pools", face, rounds)
        except isolated.Failed as error:
            rows.append(Row("pools", face, row.title, bar=row.bar, note=str(error)))
            continue
        ratios = [two / one for one, two in found]
        quartiles = statistics.quantiles(ratios, n=4)
        value = statistics.median(ratios)
        rows.append(
            Row(
                "pools",
                face,
                row.title,
                value,
                spread=(quartiles[0], quartiles[2]),
                absolute=f"{1 / value:.2f} times the throughput",
                bar=row.bar,
            )
        )
    return Table("pools", TITLE, "", tuple(rows))


async def spend(backend: Any, calls: int) -> float:
    """Seconds for all calls at once."""
    import anyio

    started = perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(calls):
            group.start_soon(backend.call, "work", {"rounds": WORK})
    return perf_counter() - started


async def measure(face: str, rounds: int) -> list[tuple[float, float]]:
    """In a process of its own: seconds through one and through two, by rounds."""
    import anyio

    script = str(BACKENDS / "weary.py")
    found = []
    async with open_manager(face, call_timeout=None) as manager:
        one = await manager.spawn(script, name="one")
        two = await manager.spawn(script, name="two", workers=2)
        while [status.state for status in two.statuses] != ["ready"] * 2:
            await anyio.sleep(0.005)
        await spend(one, 4)
        await spend(two, 8)
        for _ in range(rounds):
            before = await spend(one, CALLS)
            both = await spend(two, CALLS)
            found.append(((before + await spend(one, CALLS)) / 2, both))
    return found


if __name__ == "__main__":
    import anyio

    print(
        json.dumps(anyio.run(measure, sys.argv[1], int(sys.argv[2]), backend=loop_of(sys.argv[1])))
    )
