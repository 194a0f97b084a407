"""The MCP SDK over stdio: `Client` here, `MCPServer` with one tool there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.competitors.base import BACKENDS, AsyncCompetitor


class Competitor(AsyncCompetitor):
    """The high-level faces of both sides, as its documentation shows them, on asyncio."""

    title = "mcp SDK (stdio)"
    needs = ("mcp",)
    cost = 150
    skips = ("bulk",)  # 10 MiB through its line reader and models takes longer than a whole table

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Connect to the server as a subprocess."""
        from mcp import Client, StdioServerParameters

        server = StdioServerParameters(
            command=sys.executable, args=[str(BACKENDS / "mcp_child.py")]
        )
        async with Client(server) as client:
            self._client = client
            yield

    async def call(self, value: str) -> object:
        """One tool call; the text of the first content block is the result."""
        result = await self._client.call_tool("echo", {"value": value})
        return result.content[0].text  # type: ignore[union-attr]

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """One task per call."""
        return await asyncio.gather(*(self.call(value) for value in values))
