"""1 GB of events at a consumer that never reads: memory stays bounded and calls still settle."""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks import bars, isolated, processes
from benchmarks.competitors.base import BACKENDS
from benchmarks.model import Row, Settings, Table

TITLE = "1 GB of events at a stalled consumer"
BOTH_MODES = False
FACES = ("asyncio", "trio", "blocking")
TOTAL, SIZE = 1_000_000_000, 10_000
DEADLINE = 120.0
"""Seconds; a library that holds the child back instead of dropping never gets all of it."""


def run(settings: Settings) -> Table:
    """Two rows per face: memory, and calls that did not settle."""
    total = TOTAL // 50 if settings.quick else TOTAL
    rows: list[Row] = []
    for face in FACES:
        titles = (f"{face}: host memory above base", f"{face}: calls that did not settle")
        bounds = (bars.bar("stalled", "memory"), bars.bar("stalled", "unsettled"))
        names = (f"memory_{face}", f"unsettled_{face}")
        try:
            found: dict[str, float] = isolated.ask(
                "benchmarks.reliability.stalled", face, str(total)
            )
        except isolated.Failed as error:
            for name, title, bar in zip(names, titles, bounds, strict=True):
                rows.append(Row("stalled", name, title, bar=bar, note=str(error)))
            continue
        notes = (f"{found['sent'] / 1e6:.0f} MB sent", f"{found['calls']:.0f} calls")
        values = ((found["memory"], "MiB"), (found["unsettled"], "calls"))
        for name, title, (value, unit), note, bar in zip(
            names, titles, values, notes, bounds, strict=True
        ):
            rows.append(Row("stalled", name, title, value, unit=unit, absolute=note, bar=bar))
    return Table("stalled", TITLE, "", tuple(rows))


async def measure(total: int) -> dict[str, float]:
    """In a process of its own: subscribe, read nothing, and keep calling."""
    import anyio

    from bridgekit import BridgeError, ProcessManager

    async with ProcessManager() as manager:
        backend = await manager.spawn(str(BACKENDS / "firehose.py"), concurrency=2)
        for number in range(100):
            await backend.call("echo", {"value": number}, timeout=10)
        base = processes.status(os.getpid(), "VmRSS")
        calls = unsettled = 0
        sent = 0
        async with backend.events("*"):
            await backend.call("open", {"total": total, "size": SIZE}, timeout=10)
            with anyio.move_on_after(DEADLINE):
                while sent < total:
                    calls += 1
                    try:
                        sent = await backend.call("sent", timeout=10)
                    except BridgeError as error:
                        print(repr(error), file=sys.stderr)
                        unsettled += 1
                    await anyio.sleep(0.02)
        memory = processes.status(os.getpid(), "VmHWM") - base
        return {"memory": memory, "unsettled": unsettled, "calls": calls, "sent": sent}


def blocking(total: int) -> dict[str, float]:
    """The same from plain code."""
    from bridgekit import BridgeError
    from bridgekit.blocking import ProcessManager

    with ProcessManager() as manager:
        backend = manager.spawn(str(BACKENDS / "firehose.py"), concurrency=2)
        for number in range(100):
            backend.call("echo", {"value": number}, timeout=10)
        base = processes.status(os.getpid(), "VmRSS")
        calls = unsettled = sent = 0
        with backend.events("*"):
            backend.call("open", {"total": total, "size": SIZE}, timeout=10)
            end = time.monotonic() + DEADLINE
            while sent < total and time.monotonic() < end:
                calls += 1
                try:
                    sent = backend.call("sent", timeout=10)
                except BridgeError as error:
                    print(repr(error), file=sys.stderr)
                    unsettled += 1
                time.sleep(0.02)
        memory = processes.status(os.getpid(), "VmHWM") - base
        return {"memory": memory, "unsettled": unsettled, "calls": calls, "sent": sent}


if __name__ == "__main__":
    face, size = sys.argv[1], int(sys.argv[2])
    if face == "blocking":
        print(json.dumps(blocking(size)))
    else:
        import anyio

        print(json.dumps(anyio.run(measure, size, backend=face)))
