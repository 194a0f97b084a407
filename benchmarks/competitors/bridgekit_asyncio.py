"""bridgekit on asyncio; the files for uvloop and trio only change the loop."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

from benchmarks.competitors.base import BACKENDS, TIMEOUT, AsyncCompetitor


class Competitor(AsyncCompetitor):
    """Every call with a timeout, ``call_many`` for the window."""

    title = "bridgekit, asyncio"
    kind = "bridgekit"
    needs: ClassVar[tuple[str, ...]] = ("bridgekit",)
    cost = 2.5

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """One manager, one backend, all defaults but as many calls at a time as come."""
        from bridgekit import ProcessManager

        async with ProcessManager() as manager:
            script = str(BACKENDS / "bench.py")
            self._backend = await manager.spawn(script, concurrency=1000)
            assert await self._backend.call("executable") == sys.executable
            yield

    async def call(self, value: str) -> object:
        """A call with a timeout."""
        return await self._backend.call("echo", {"value": value}, timeout=TIMEOUT)

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """One ``call_many``."""
        params = [{"value": value} for value in values]
        replies: list[object] = await self._backend.call_many("echo", params, timeout=TIMEOUT)
        return replies

    async def events(self, count: int) -> int:
        """Subscribe, ask, and wait until the last event reached the handler."""
        import anyio

        seen = 0
        done = anyio.Event()

        def tick(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == count:
                done.set()

        unsubscribe = self._backend.on("tick", tick)
        await self._backend.call("fire", {"count": count}, timeout=TIMEOUT)
        with anyio.move_on_after(TIMEOUT):
            await done.wait()
        unsubscribe()
        return seen
