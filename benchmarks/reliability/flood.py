"""Thousands of calls meet thousands of events, both larger than any pipe: nobody may wait for ever.

Each side has more to write than the pipe holds before the other reads; a bridge that stops
reading while it writes deadlocks here.
"""

from __future__ import annotations

import json
import sys

from benchmarks import bars, isolated
from benchmarks.competitors.base import BACKENDS
from benchmarks.model import Row, Settings, Table

TITLE = "calls that did not end while events flood the other way"
BOTH_MODES = False
FACES = ("asyncio", "trio", "blocking")
CALLS, EVENTS, SIZE = 5000, 10, 4096
DEADLINE = 120


def run(settings: Settings) -> Table:
    """A row per face."""
    calls = 200 if settings.quick else CALLS
    rows = []
    for face in FACES:
        row = Row("flood", face, f"bridgekit, {face}", bar=bars.bar("flood", face))
        try:
            right: int = isolated.ask(
                "benchmarks.reliability.flood", face, str(calls), timeout=2 * DEADLINE
            )
        except isolated.Failed as error:
            rows.append(Row(row.bench, face, row.title, bar=row.bar, note=str(error)))
            continue
        note = f"{calls} calls of {SIZE} bytes, {calls * EVENTS} events from within them"
        rows.append(
            Row(row.bench, face, row.title, calls - right, unit="calls", bar=row.bar, absolute=note)
        )
    return Table("flood", TITLE, "", tuple(rows))


def parameters(calls: int) -> list[dict[str, object]]:
    """All different, so that a swapped reply is noticed."""
    return [{"value": f"{n:06d}".ljust(SIZE, "x"), "count": EVENTS} for n in range(calls)]


def blocking(calls: int) -> int:
    """One ``call_many`` from plain code."""
    from bridgekit.blocking import ProcessManager

    params = parameters(calls)
    with ProcessManager() as manager:
        backend = manager.spawn(str(BACKENDS / "firehose.py"))
        backend.on("splash", lambda *_: None)
        replies = backend.call_many("splash", params, timeout=DEADLINE)
    return sum(r == p["value"] for r, p in zip(replies, params, strict=True))


async def awaited(calls: int) -> int:
    """Half in one ``call_many``, half as tasks of their own, at the same time."""
    import anyio

    from bridgekit import ProcessManager

    params = parameters(calls)
    right = 0
    async with ProcessManager() as manager:
        backend = await manager.spawn(str(BACKENDS / "firehose.py"), concurrency=calls)
        backend.on("splash", lambda *_: None)

        async def many(share: list[dict[str, object]]) -> None:
            nonlocal right
            replies = await backend.call_many("splash", share, timeout=DEADLINE)
            right += sum(r == p["value"] for r, p in zip(replies, share, strict=True))

        async def single(param: dict[str, object]) -> None:
            nonlocal right
            reply = await backend.call("splash", param, timeout=DEADLINE)
            right += reply == param["value"]  # read and added after the wait, or counts are lost

        async with anyio.create_task_group() as group:
            group.start_soon(many, params[::2])
            for param in params[1::2]:
                group.start_soon(single, param)
    return right


if __name__ == "__main__":
    face, count = sys.argv[1], int(sys.argv[2])
    if face == "blocking":
        print(json.dumps(blocking(count)))
    else:
        import anyio

        print(json.dumps(anyio.run(awaited, count, backend=face)))
