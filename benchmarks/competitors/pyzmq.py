"""pyzmq: a PAIR socket over ipc, orjson on both sides, the same envelope as the floor."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.competitors.base import BACKENDS, BlockingCompetitor


class Competitor(BlockingCompetitor):
    """PAIR is the least that zmq does per message; its I/O thread is part of the path."""

    title = "pyzmq (ipc, orjson)"
    needs = ("zmq", "orjson")
    cost = 4

    @contextmanager
    def session(self) -> Iterator[None]:
        """Bind in a private folder; the child connects."""
        import orjson
        import zmq

        self._dumps, self._loads = orjson.dumps, orjson.loads
        self._serial = 0
        with (
            tempfile.TemporaryDirectory() as folder,
            zmq.Context() as context,
            context.socket(zmq.PAIR) as link,
        ):
            link.set_hwm(0)
            link.bind(f"ipc://{folder}/link")
            argv = [sys.executable, str(BACKENDS / "zmq_child.py"), f"ipc://{folder}/link"]
            child = subprocess.Popen(argv)
            self._link = link
            self.call("ready")
            yield
            link.send(b"")
            child.wait(timeout=10)

    def _send(self, cmd: str, params: dict[str, object]) -> None:
        self._serial += 1
        self._link.send(self._dumps({"id": self._serial, "cmd": cmd, "params": params}))

    def call(self, value: str) -> object:
        """One message out, one message back."""
        self._send("echo", {"value": value})
        return self._loads(self._link.recv())["result"]

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """All messages out, then all messages back."""
        for value in values:
            self._send("echo", {"value": value})
        return [self._loads(self._link.recv())["result"] for _ in values]

    def events(self, count: int) -> int:
        """Receive until the reply."""
        seen = 0
        handlers = {"tick": lambda result: None}
        self._send("fire", {"count": count})
        while "id" not in (message := self._loads(self._link.recv())):
            handlers[message["cmd"]](message["result"])
            seen += 1
        return seen
