"""What idle supervised backends cost their host: memory for each, and CPU, of which there is none.

CPU is the time of the host process over a stretch in which nobody calls; the same stretch with an
empty manager stands beside it, so that the ground noise of the loop can be told apart. It begins
some seconds after the last call, because the supervisor of each looks once more after that.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time

from benchmarks import bars, isolated, processes
from benchmarks.competitors.base import BACKENDS
from benchmarks.faces import FACES, loop_of, open_manager
from benchmarks.model import Row, Settings, Table

TITLE = "idle supervised backends"
BOTH_MODES = False
COUNT, SECONDS, SETTLE = 200, 10.0, 6.0


def run(settings: Settings) -> Table:
    """Two rows per face."""
    count, seconds = (5, 0.5) if settings.quick else (COUNT, SECONDS)
    rows: list[Row] = []
    for face in FACES:
        plain = [
            Row("idle", f"cpu_{face}", f"{face}: CPU of the host", bar=bars.bar("idle", "cpu")),
            Row("idle", f"memory_{face}", f"{face}: each", bar=bars.bar("idle", "memory")),
        ]
        try:
            found: dict[str, float] = isolated.ask(
                "benchmarks.figures.idle", face, str(count), str(seconds)
            )
        except isolated.Failed as error:
            rows += isolated.failure("idle", TITLE, plain, error).rows
            continue
        notes = (
            f"over {seconds:g} s; {found['empty']:.2f} ms without backends",
            f"{count} backends",
        )
        for row, value, unit, note in zip(
            plain, (found["cpu"], found["memory"]), ("ms", "KiB"), notes, strict=True
        ):
            rows.append(Row("idle", row.name, row.title, value, unit=unit, bar=row.bar, note=note))
    return Table("idle", TITLE, "", tuple(rows))


async def measure(face: str, count: int, seconds: float) -> dict[str, float]:
    """In a process of its own."""
    import anyio

    async def stretch() -> float:
        await anyio.sleep(min(SETTLE, seconds))  # whatever the last calls left to be done
        before = time.process_time()
        await anyio.sleep(seconds)
        return (time.process_time() - before) * 1e3

    script = str(BACKENDS / "weary.py")
    async with open_manager(face, max_processes=count + 1) as manager:
        for number in range(3):  # what is loaded and filled once for all
            first = await manager.spawn(script, name=f"first {number}")
            await first.call("pid", timeout=30)
            await first.terminate()
        empty = await stretch()
        gc.collect()
        base = processes.status(os.getpid(), "VmRSS")
        backends = [await manager.spawn(script, name=f"idle {n}") for n in range(count)]
        for backend in backends:
            await backend.call("pid", timeout=30)
        cpu = await stretch()
        gc.collect()
        memory = (processes.status(os.getpid(), "VmRSS") - base) * 1024 / count
    return {"cpu": cpu, "empty": empty, "memory": memory}


if __name__ == "__main__":
    import anyio

    print(
        json.dumps(
            anyio.run(
                measure,
                sys.argv[1],
                int(sys.argv[2]),
                float(sys.argv[3]),
                backend=loop_of(sys.argv[1]),
            )
        )
    )
