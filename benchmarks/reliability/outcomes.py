"""100,000 calls with 1,000 random child kills and cancels: every call ends exactly once.

A call that hangs, that ends with something other than the agreed errors, or that gets another
call's result is wrong. Kills and cancels hit calls chosen by a fixed seed.
"""

from __future__ import annotations

import collections
import json
import os
import random
import signal
import sys
from typing import Any

from benchmarks import bars, isolated
from benchmarks.competitors.base import BACKENDS
from benchmarks.model import Row, Settings, Table

TITLE = "calls without exactly one right outcome, under random kills and cancels"
BOTH_MODES = False
FACES = ("asyncio", "trio", "blocking")
CALLS, BLOWS = 100_000, 1000
WORKERS = 50
PATIENCE = 60.0
"""Seconds after which a call that has not ended counts as one that never will."""


def run(settings: Settings) -> Table:
    """A row per face."""
    calls, blows = (500, 6) if settings.quick else (CALLS, BLOWS)
    rows = []
    for face in FACES:
        row = Row("outcomes", face, f"bridgekit, {face}", bar=bars.bar("outcomes", face))
        try:
            tally: dict[str, int] = isolated.ask(
                "benchmarks.reliability.outcomes", face, str(calls), str(blows), timeout=1800
            )
        except isolated.Failed as error:
            rows.append(Row(row.bench, row.name, row.title, bar=row.bar, note=str(error)))
            continue
        wrong = tally.pop("wrong", 0) + calls - sum(tally.values())
        note = ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
        rows.append(
            Row(row.bench, face, row.title, abs(wrong), unit="calls", bar=row.bar, absolute=note)
        )
    return Table("outcomes", TITLE, "", tuple(rows))


class Trial:
    """Workers that share one backend, which is started again whenever it was killed."""

    def __init__(self, manager: Any, calls: int, blows: int) -> None:
        """Choose beforehand which calls are hit, and how."""

        dice = random.Random(20)
        hit = dice.sample(range(calls), blows)
        self.blows = {number: dice.choice(("kill", "cancel")) for number in hit}
        self.delays = {number: dice.uniform(0, 0.0005) for number in hit}
        self.manager = manager
        self.numbers = iter(range(calls))
        self.tally: collections.Counter[str] = collections.Counter()
        self.backend: Any = None

    async def start(self) -> None:
        """Spawn the backend, to be started again as often as it is killed."""
        self.backend = await self.manager.spawn(
            str(BACKENDS / "bench.py"),
            concurrency=WORKERS,
            restart={"backoff": 0.0, "max_restarts": len(self.blows)},
        )

    async def work(self) -> None:
        """Make calls until all are made."""
        import anyio

        from bridgekit import BackendDied

        for number in self.numbers:
            backend = self.backend
            try:
                with anyio.fail_after(PATIENCE):
                    outcome = await self.one(backend, number)
            except BackendDied:
                outcome = "died"
            except Exception as error:
                print(f"call {number}: {error!r}", file=sys.stderr)
                outcome = "wrong"
            self.tally[outcome] += 1

    async def one(self, backend: Any, number: int) -> str:
        """One call, and what was decided to happen to it."""
        import anyio

        blow = self.blows.get(number)
        reply: object = None
        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            if blow == "kill":
                group.start_soon(self.strike, self.backend.pid, self.delays[number])
            with anyio.CancelScope() as scope:
                if blow == "cancel":
                    scope.deadline = anyio.current_time() + self.delays[number]
                try:
                    reply = await backend.call("echo", {"value": number}, timeout=30)
                except Exception as error:  # re-raised below, outside of the group
                    group.cancel_scope.cancel()
                    failure = error
        if scope.cancelled_caught:
            return "cancelled"
        if failure is not None:
            raise failure
        return "result" if reply == number else "wrong"

    @staticmethod
    async def strike(pid: int, delay: float) -> None:
        """Kill the child a little later; another worker may have been faster."""
        import anyio

        with anyio.CancelScope(shield=True):
            await anyio.sleep(delay)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return


async def measure(calls: int, blows: int) -> dict[str, int]:
    """In a process of its own."""
    import anyio

    from bridgekit import ProcessManager

    async with ProcessManager() as manager:
        trial = Trial(manager, calls, blows)
        await trial.start()
        async with anyio.create_task_group() as group:
            for _ in range(WORKERS):
                group.start_soon(trial.work)
        return dict(trial.tally)


if __name__ == "__main__":
    face, calls, blows = sys.argv[1:]
    if face == "blocking":
        from benchmarks.reliability import _outcomes_blocking

        print(json.dumps(_outcomes_blocking.measure(int(calls), int(blows))))
    else:
        import anyio

        print(json.dumps(anyio.run(measure, int(calls), int(blows), backend=face)))
