"""The floor: a blocking pipe ping-pong, NUL framing, orjson both ways, a dict dispatch.

Nothing else: no timeout, no lock, no call table, no error handling. Whatever a bridge offers
beyond this it pays for, and the ratio to this file is that price.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from benchmarks.competitors.base import BACKENDS, BlockingCompetitor

CHUNK = 65536


class Competitor(BlockingCompetitor):
    """A pipe each way, ``os.write`` and ``os.read`` on the calling thread."""

    title = "floor (pipe, orjson)"
    kind = "floor"
    needs = ("orjson",)
    mode: ClassVar[dict[str, str]] = {"flight": "batch"}

    @contextmanager
    def session(self) -> Iterator[None]:
        """Spawn the child in the mode that fits the workload."""
        from orjson import dumps, loads

        self._dumps: Callable[[Any], bytes] = dumps
        self._loads: Callable[[bytes], Any] = loads
        self._serial = 0
        mode = self.mode.get(self.workload, "single")
        child = self.launch([sys.executable, str(BACKENDS / "floor.py"), mode])
        try:
            yield
        finally:
            os.close(self._out)
            child.wait(timeout=10)

    def launch(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Start the child and leave the two descriptors in ``_out`` and ``_in``."""
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert child.stdin is not None
        assert child.stdout is not None
        self._out, self._in = os.dup(child.stdin.fileno()), child.stdout.fileno()
        child.stdin.close()
        return child

    def read(self) -> bytes:
        """One read of at most 64 KiB; the place where a probe adds its own cost."""
        return os.read(self._in, CHUNK)

    def call(self, value: str) -> object:
        """One request, one write; reads until the reply's NUL."""
        self._serial += 1
        request = {"id": self._serial, "cmd": "echo", "params": {"value": value}}
        os.write(self._out, self._dumps(request) + b"\0")
        data = self.read()
        if data[-1]:
            parts = [data]
            while data[-1]:
                data = self.read()
                parts.append(data)
            data = b"".join(parts)
        return self._loads(data[:-1])["result"]

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """All requests in one write; replies as they come."""
        dumps, loads, serial = self._dumps, self._loads, self._serial
        requests = []
        for value in values:
            serial += 1
            requests.append(dumps({"id": serial, "cmd": "echo", "params": {"value": value}}))
        self._serial = serial
        requests.append(b"")
        os.write(self._out, b"\0".join(requests))
        results: list[object] = []
        tail = b""
        while len(results) < len(values):
            frames = (tail + self.read()).split(b"\0")
            tail = frames.pop()
            results += [loads(frame)["result"] for frame in frames]
        return results

    def events(self, count: int) -> int:
        """One request; the child writes one frame per event and then the reply."""
        loads = self._loads
        seen = 0

        def tick(result: object) -> None:
            nonlocal seen
            seen += 1

        handlers = {"tick": tick}
        request = {"id": 1, "cmd": "fire", "params": {"count": count}}
        os.write(self._out, self._dumps(request) + b"\0")
        tail = b""
        while True:
            frames = (tail + self.read()).split(b"\0")
            tail = frames.pop()
            for frame in frames:
                message = loads(frame)
                if "id" in message:
                    return seen
                handlers[message["cmd"]](message["result"])
