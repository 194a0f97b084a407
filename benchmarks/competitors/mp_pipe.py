"""``multiprocessing.Pipe``: pickled dicts over a duplex connection, a dict dispatch behind it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.competitors.base import BlockingCompetitor


def echo(value: str) -> str:
    """Give the value back."""
    return value


def serve(connection: Connection[Any, Any]) -> None:
    """The child: answer until the other end closes."""

    def fire(count: int) -> int:
        for number in range(count):
            connection.send({"cmd": "tick", "status": "event", "result": {"n": number}})
        return count

    table: dict[str, Callable[..., object]] = {"echo": echo, "fire": fire}
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        result = table[message["cmd"]](**message["params"])
        connection.send({"id": message["id"], "status": "success", "result": result})


class Competitor(BlockingCompetitor):
    """A spawned `multiprocessing.Process` and one `Connection`, used without a timeout."""

    title = "multiprocessing.Pipe"
    cost = 2.5

    @contextmanager
    def session(self) -> Iterator[None]:
        """Spawn (never fork): the child is a fresh interpreter like everybody else's."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        child = context.Process(target=serve, args=(theirs,))
        child.start()
        theirs.close()
        self._serial = 0
        yield
        self._connection.close()
        child.join(10)

    def _send(self, cmd: str, params: dict[str, object]) -> None:
        self._serial += 1
        self._connection.send({"id": self._serial, "cmd": cmd, "params": params})

    def call(self, value: str) -> object:
        """One send, one receive."""
        self._send("echo", {"value": value})
        return self._connection.recv()["result"]

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """All sends, then all receives."""
        for value in values:
            self._send("echo", {"value": value})
        return [self._connection.recv()["result"] for _ in values]

    def events(self, count: int) -> int:
        """Receive until the reply."""
        seen = 0
        handlers = {"tick": lambda result: None}
        self._send("fire", {"count": count})
        while "id" not in (message := self._connection.recv()):
            handlers[message["cmd"]](message["result"])
            seen += 1
        return seen
