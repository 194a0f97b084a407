"""The floor's wire with one asyncio task per call: what is left when a bridge does nothing.

A task and a future for each call, all requests in one write, replies as they come. No timeout, no
check, no order kept, no error: what a bridge adds to a row with a task per call begins here.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.competitors.base import BACKENDS, AsyncCompetitor
from benchmarks.competitors.floor import CHUNK


class Competitor(AsyncCompetitor):
    """Requests wait until the loop's next turn and leave together; `add_reader` brings replies."""

    title = "floor, one asyncio task per call"
    kind = "probe"
    needs = ("orjson",)
    cost = 4

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """The floor's child, in the mode that answers each read with one write."""
        from orjson import dumps, loads

        self._dumps, self._loads = dumps, loads
        self._serial, self._tail = 0, b""
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._requests: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        argv = [sys.executable, str(BACKENDS / "floor.py"), "batch"]
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            self._out, self._in = child.stdin.fileno(), child.stdout.fileno()
            self._loop.add_reader(self._in, self._read)
            yield
            self._loop.remove_reader(self._in)
            child.stdin.close()

    async def _call(self, value: str) -> object:
        self._serial = serial = self._serial + 1
        request = {"id": serial, "cmd": "echo", "params": {"value": value}}
        if not self._requests:
            self._loop.call_soon(self._write)
        self._requests.append(self._dumps(request))
        self._waiting[serial] = future = self._loop.create_future()
        return await future

    def _write(self) -> None:
        requests, self._requests = self._requests, []
        os.write(self._out, b"\0".join([*requests, b""]))

    def _read(self) -> None:
        frames = (self._tail + os.read(self._in, CHUNK)).split(b"\0")
        self._tail = frames.pop()
        for frame in frames:
            reply = self._loads(frame)
            self._waiting.pop(reply["id"]).set_result(reply["result"])

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """A task per value."""
        return await asyncio.gather(*(self._call(value) for value in values))
