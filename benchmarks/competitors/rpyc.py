"""RPyC over the child's stdin and stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.competitors.base import BACKENDS, BlockingCompetitor


class Competitor(BlockingCompetitor):
    """``connection.root.echo``; asynchronous requests for the window, a callback for events."""

    title = "rpyc"
    needs = ("rpyc",)
    cost = 10

    @contextmanager
    def session(self) -> Iterator[None]:
        """Connect to a subprocess, over two pipes."""
        import rpyc  # type: ignore[import-untyped]
        from rpyc.utils.factory import connect_subproc  # type: ignore[import-untyped]

        self._connection = connect_subproc([sys.executable, str(BACKENDS / "rpyc_child.py")])
        self._echo = self._connection.root.echo
        self._fire = self._connection.root.fire
        self._async_echo = rpyc.async_(self._echo)
        yield
        self._connection.close()
        self._connection.proc.wait(timeout=10)

    def call(self, value: str) -> object:
        """One remote method call through a cached netref."""
        return self._echo(value)

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """All requests, then all results."""
        results = [self._async_echo(value) for value in values]
        return [result.value for result in results]

    def events(self, count: int) -> int:
        """The child calls back asynchronously; requests are served while the call waits."""
        seen = 0

        def tick(number: int) -> None:
            nonlocal seen
            seen += 1

        self._fire(count, tick)
        while seen < count:
            self._connection.serve(1)
        return seen
