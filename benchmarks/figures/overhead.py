"""What pool, queue and limits add to a call: the supervised handle beside the bare channel.

Both go to the same worker in the same process in turn. The bare side does what a handle without
supervision does: submit the call on the worker's channel, wait for it, take its result.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Any

from benchmarks import bars, isolated
from benchmarks.competitors.base import BACKENDS
from benchmarks.faces import FACES
from benchmarks.model import Row, Settings, Table

TITLE = "a supervised call, in times of one on the bare channel of its worker"
BOTH_MODES = True
CALLS = 300
PARAMS = {"value": "x" * 100}


def run(settings: Settings) -> Table:
    """A row per face."""
    rounds = "4" if settings.quick else "100"
    rows = []
    for face in FACES:
        row = Row("overhead", face, f"bridgekit, {face}", bar=bars.bar("overhead", face))
        try:
            found: list[list[float]] = isolated.ask(
                "benchmarks.figures.overhead", face, rounds, cpu=settings.cpu
            )
        except isolated.Failed as error:
            rows.append(Row("overhead", face, row.title, bar=row.bar, note=str(error)))
            continue
        ratios = [supervised / bare for bare, supervised in found]
        quartiles = statistics.quantiles(ratios, n=4)
        bare, supervised = (statistics.median(side) for side in zip(*found, strict=True))
        rows.append(
            Row(
                "overhead",
                face,
                row.title,
                statistics.median(ratios),
                spread=(quartiles[0], quartiles[2]),
                absolute=f"{supervised:.1f} against {bare:.1f} us",
                bar=row.bar,
            )
        )
    mode = "pinned" if settings.pinned else "free"
    return Table("overhead", TITLE, mode, tuple(rows))


async def straight(channel: Any) -> Any:
    """A call on the bare channel, on its short way for a lone call where it has one."""
    call = channel.lone("echo", PARAMS, 30.0, None)
    if call.__class__ is tuple:  # it was answered while we looked
        if channel.checkpoint is not None:
            await channel.checkpoint()
        return call[0]
    await call
    if call.error is not None:
        raise call.take_error()
    return call.value


async def spend(call: Callable[[], Awaitable[Any]]) -> float:
    """Microseconds for a call, over a stretch of them one after the other."""
    started = perf_counter()
    for _ in range(CALLS):
        await call()
    return (perf_counter() - started) / CALLS * 1e6


async def measure(rounds: int) -> list[tuple[float, float]]:
    """In a process of its own: microseconds of bare and supervised calls, by rounds."""
    from bridgekit import ProcessManager

    found = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(str(BACKENDS / "bench.py"))
        (process,) = backend._driver.processes
        channel = process.channel

        async def bare() -> Any:
            return await straight(channel)

        async def supervised() -> Any:
            return await backend.call("echo", PARAMS, timeout=30.0)

        for _ in range(rounds + 2):
            before = await spend(bare)
            spent = await spend(supervised)
            found.append(((before + await spend(bare)) / 2, spent))
    return found[2:]


def measure_threads(rounds: int) -> list[tuple[float, float]]:
    """The same for plain blocking code: its bare side makes a call alone on the channel."""
    from bridgekit.blocking import ProcessManager
    from bridgekit.blocking.calls import LoneCall, finish

    found = []
    with ProcessManager() as manager:
        backend = manager.spawn(str(BACKENDS / "bench.py"))
        (process,) = backend._driver.processes
        channel = process.channel

        def bare() -> Any:
            call = LoneCall("echo", PARAMS, 30.0, monotonic() + 30.0)
            assert channel.call_alone(call)
            return finish(call)

        def supervised() -> Any:
            return backend.call("echo", PARAMS, timeout=30.0)

        def spend(call: Callable[[], Any]) -> float:
            started = perf_counter()
            for _ in range(CALLS):
                call()
            return (perf_counter() - started) / CALLS * 1e6

        for _ in range(rounds + 2):
            before = spend(bare)
            spent = spend(supervised)
            found.append(((before + spend(bare)) / 2, spent))
    return found[2:]


if __name__ == "__main__":
    import anyio

    face, rounds = sys.argv[1], int(sys.argv[2])
    if face == "blocking":
        print(json.dumps(measure_threads(rounds)))
    else:
        print(json.dumps(anyio.run(measure, rounds, backend=face)))
