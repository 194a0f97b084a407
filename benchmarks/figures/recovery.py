"""How soon the host knows of a death: calls in flight fail, and a replacement serves the next.

The child is killed with ``SIGKILL``. A cold start is a spawn and its first call in the same
process and the same round; where there is a warm spare it has nothing to start.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
from time import perf_counter
from typing import Any

from benchmarks import bars, isolated
from benchmarks.competitors.base import BACKENDS
from benchmarks.faces import FACES, loop_of, open_manager
from benchmarks.model import Row, Settings, Table

TITLE = "after the death of a worker"
BOTH_MODES = False
ROWS = (
    ("pending", "its calls in flight fail, p99", "ms"),
    ("spare", "first call served by a warm spare", "ms"),
    ("cold", "first call served by a new process, in times of a cold start", ""),
)
IN_FLIGHT = 20
AT_ONCE = {"backoff": 0.0, "max_restarts": 100_000}
SCRIPT = str(BACKENDS / "weary.py")


def run(settings: Settings) -> Table:
    """Three rows per face."""
    rounds = "3" if settings.quick else "40"
    rows: list[Row] = []
    for face in FACES:
        titles = [
            Row(
                "recovery",
                f"{name}_{face}",
                f"{face}: {title}",
                unit=unit,
                bar=bars.bar("recovery", name),
            )
            for name, title, unit in ROWS
        ]
        try:
            found: dict[str, Any] = isolated.ask("benchmarks.figures.recovery", face, rounds)
        except isolated.Failed as error:
            rows += isolated.failure("recovery", TITLE, titles, error).rows
            continue
        for row, (name, _, _) in zip(titles, ROWS, strict=True):
            value, note = found[name]
            rows.append(
                Row(row.bench, row.name, row.title, value, unit=row.unit, bar=row.bar, note=note)
            )
    return Table("recovery", TITLE, "", tuple(rows))


async def pending(manager: Any, rounds: int) -> tuple[float, str]:
    """Milliseconds from the kill to the error of each call in flight."""
    import anyio

    from bridgekit import BackendDied

    backend = await manager.spawn(SCRIPT, name="full", restart=AT_ONCE, concurrency=IN_FLIGHT)
    ends: list[float] = []

    async def one() -> None:
        try:
            await backend.call("sleep", {"seconds": 600}, timeout=None)
        except BackendDied:
            ends.append(perf_counter())

    found: list[float] = []
    for _ in range(rounds):
        await backend.call("pid", timeout=30)
        async with anyio.create_task_group() as group:
            for _ in range(IN_FLIGHT):
                group.start_soon(one)
            while backend.status.in_flight < IN_FLIGHT:
                await anyio.sleep(0.001)
            killed = perf_counter()
            os.kill(backend.pid, signal.SIGKILL)
        found += [(end - killed) * 1e3 for end in ends]
        ends.clear()
    await backend.terminate()
    found.sort()
    note = f"{len(found)} calls, median {statistics.median(found):.2f} ms, most {found[-1]:.2f} ms"
    return found[int(len(found) * 0.99)], note


async def served(backend: Any) -> float:
    """Milliseconds from the kill to the first reply of whoever comes next."""
    from bridgekit import BackendDied

    victim = backend.pid
    killed = perf_counter()
    os.kill(victim, signal.SIGKILL)
    while True:
        try:
            if await backend.call("pid", timeout=30) != victim:
                return (perf_counter() - killed) * 1e3
        except BackendDied:
            pass


async def measure(face: str, rounds: int) -> dict[str, tuple[float, str]]:
    """In a process of its own."""
    import anyio

    async with open_manager(face) as manager:
        results = {"pending": await pending(manager, rounds)}
        spared = await manager.spawn(SCRIPT, name="spared", restart=AT_ONCE, warm_spares=1)
        lone = await manager.spawn(SCRIPT, name="lone", restart=AT_ONCE)
        spare, again, cold = [], [], []
        for number in range(rounds):
            while [one.state for one in spared.statuses] != ["ready"] * 2:
                await anyio.sleep(0.005)
            spare.append(await served(spared))
            while [one.state for one in spared.statuses] != ["ready"] * 2:
                await anyio.sleep(0.005)  # its next spare is up: nothing runs beside the others
            started = perf_counter()
            fresh = await manager.spawn(SCRIPT, name=f"cold {number}")
            await fresh.call("pid", timeout=30)
            cold.append((perf_counter() - started) * 1e3)
            await fresh.terminate()
            again.append(await served(lone))
        start = statistics.median(cold)
        results["spare"] = (statistics.median(spare), f"most {max(spare):.1f} ms")
        results["cold"] = (
            statistics.median(mine / other for mine, other in zip(again, cold, strict=True)),
            f"{statistics.median(again):.1f} ms against {start:.1f} ms",
        )
    return results


if __name__ == "__main__":
    import anyio

    print(
        json.dumps(anyio.run(measure, sys.argv[1], int(sys.argv[2]), backend=loop_of(sys.argv[1])))
    )
