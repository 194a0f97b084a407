"""10,000 backends started, called and stopped one after the other: what is left of them?

Descriptors, threads, child processes (zombies among them), tasks of the event loop and claims on
the budget of the manager are counted before and after. Memory stands beside it.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from benchmarks import bars, isolated, processes
from benchmarks.competitors.base import BACKENDS
from benchmarks.faces import FACES, loop_of, open_manager
from benchmarks.model import Row, Settings, Table

TITLE = "left behind by backends that were started and stopped"
BOTH_MODES = False
CYCLES, WARM_UP = 10_000, 20


def run(settings: Settings) -> Table:
    """A row per face."""
    cycles = 30 if settings.quick else CYCLES
    rows = []
    for face in FACES:
        row = Row("cycles", face, f"bridgekit, {face}", bar=bars.bar("cycles", face))
        try:
            found: dict[str, float] = isolated.ask(
                "benchmarks.reliability.cycles", face, str(cycles), timeout=3600
            )
        except isolated.Failed as error:
            rows.append(Row("cycles", face, row.title, bar=row.bar, note=str(error)))
            continue
        memory = found.pop("memory")
        left = {name: count for name, count in found.items() if count > 0}
        what = ", ".join(f"{count:g} {name}" for name, count in left.items())
        note = f"{cycles} cycles, {memory:+.1f} MiB{'; ' if what else ''}{what}"
        value = sum(left.values())
        rows.append(
            Row("cycles", face, row.title, value, unit="things", absolute=note, bar=row.bar)
        )
    return Table("cycles", TITLE, "", tuple(rows))


def tasks(face: str) -> int:
    """The tasks of the running loop."""
    if face == "trio":
        import trio

        return trio.lowlevel.current_statistics().tasks_living
    import asyncio

    return len(asyncio.all_tasks())


def census(face: str, manager: Any) -> dict[str, float]:
    """What there is now."""
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "processes": sum(
            len(Path(f"/proc/self/task/{task}/children").read_text(encoding="ascii").split())
            for task in os.listdir("/proc/self/task")
        ),
        "tasks": tasks(face),
        "claims": manager._hub.budget.used,
        "drivers": len(manager._hub.drivers),
        "memory": processes.status(os.getpid(), "VmRSS"),
    }


async def measure(face: str, cycles: int) -> dict[str, float]:
    """In a process of its own."""
    import anyio

    async with open_manager(face) as manager:

        async def cycle(number: int) -> None:
            backend = await manager.spawn(str(BACKENDS / "weary.py"), name="cycle")
            await backend.call("pid", timeout=30)
            # Every manner of stopping in turn: politely, at once, and after it has died.
            if number % 3 == 2:
                os.kill(backend.pid, 9)
            await backend.terminate(grace=0.0 if number % 3 == 1 else None)

        for number in range(WARM_UP):
            await cycle(number)
        await anyio.sleep(0.1)
        before = census(face, manager)
        for number in range(cycles):
            await cycle(number)
        await anyio.sleep(0.1)
        after = census(face, manager)
    return {name: after[name] - count for name, count in before.items()}


if __name__ == "__main__":
    import anyio

    print(
        json.dumps(anyio.run(measure, sys.argv[1], int(sys.argv[2]), backend=loop_of(sys.argv[1])))
    )
