"""execnet: a popen gateway and one channel carrying dicts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.competitors.base import BACKENDS, TIMEOUT, BlockingCompetitor


class Competitor(BlockingCompetitor):
    """The channel's own serialisation; its receiver thread is part of the measured path."""

    title = "execnet"
    needs = ("execnet",)
    cost = 6

    @contextmanager
    def session(self) -> Iterator[None]:
        """Open the gateway on this interpreter and send it the child's source."""
        import execnet

        group = execnet.Group()
        gateway = group.makegateway(f"popen//python={sys.executable}")
        source = (BACKENDS / "execnet_child.py").read_text(encoding="utf-8")
        self._channel = gateway.remote_exec(source)
        self._serial = 0
        yield
        group.terminate(timeout=5)

    def _send(self, cmd: str, params: dict[str, object]) -> None:
        self._serial += 1
        self._channel.send({"id": self._serial, "cmd": cmd, "params": params})

    def call(self, value: str) -> object:
        """One item out, one item back."""
        self._send("echo", {"value": value})
        return self._channel.receive(TIMEOUT)["result"]

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """All items out, then all items back."""
        for value in values:
            self._send("echo", {"value": value})
        return [self._channel.receive(TIMEOUT)["result"] for _ in values]

    def events(self, count: int) -> int:
        """Receive until the reply."""
        seen = 0
        handlers = {"tick": lambda result: None}
        self._send("fire", {"count": count})
        while "id" not in (message := self._channel.receive(TIMEOUT)):
            handlers[message["cmd"]](message["result"])
            seen += 1
        return seen
