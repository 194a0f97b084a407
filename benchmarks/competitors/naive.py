"""The bridge everybody writes first: ``json`` lines over text pipes, flushed each time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.competitors.base import BACKENDS, BlockingCompetitor


class Competitor(BlockingCompetitor):
    """Popen text pipes here, a loop over ``sys.stdin`` there."""

    title = "naive bridge (json lines)"
    cost = 3

    @contextmanager
    def session(self) -> Iterator[None]:
        """Spawn the child; it has no handshake."""
        argv = [sys.executable, str(BACKENDS / "naive.py")]
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            self._stdin, self._stdout = child.stdin, child.stdout
            self._serial = 0
            yield
            child.stdin.close()

    def _send(self, cmd: str, params: dict[str, object]) -> None:
        self._serial += 1
        request = {"id": self._serial, "cmd": cmd, "params": params}
        self._stdin.write(json.dumps(request) + "\n")
        self._stdin.flush()

    def call(self, value: str) -> object:
        """Write a line, read a line."""
        self._send("echo", {"value": value})
        return json.loads(self._stdout.readline())["result"]

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """Write all lines, then read all lines."""
        for value in values:
            self._send("echo", {"value": value})
        return [json.loads(self._stdout.readline())["result"] for _ in values]

    def events(self, count: int) -> int:
        """Read lines until the reply."""
        seen = 0
        handlers = {"tick": lambda result: None}
        self._send("fire", {"count": count})
        while "id" not in (message := json.loads(self._stdout.readline())):
            handlers[message["cmd"]](message["result"])
            seen += 1
        return seen
