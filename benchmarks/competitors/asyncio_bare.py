"""asyncio with nothing to do: a task and a future for each call, and no call.

What the loop itself takes of every row that makes one task per call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.competitors.base import AsyncCompetitor


class Competitor(AsyncCompetitor):
    """All futures are settled by one callback, as after one read."""

    title = "asyncio alone, one task per call"
    kind = "probe"
    cost = 2.5

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """There is nobody to talk to."""
        yield

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """A task per value, each waiting for a future of its own."""
        loop = asyncio.get_running_loop()
        waiting: list[tuple[asyncio.Future[str], str]] = []

        async def call(value: str) -> str:
            future: asyncio.Future[str] = loop.create_future()
            if not waiting:
                loop.call_soon(loop.call_soon, settle)
            waiting.append((future, value))
            return await future

        def settle() -> None:
            for future, value in waiting:
                future.set_result(value)

        return await asyncio.gather(*(call(value) for value in values))
