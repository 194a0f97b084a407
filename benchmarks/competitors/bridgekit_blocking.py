"""bridgekit from plain blocking code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.competitors.base import BACKENDS, TIMEOUT, BlockingCompetitor


class Competitor(BlockingCompetitor):
    """``bridgekit.blocking``, every call with a timeout, ``call_many`` for the window."""

    title = "bridgekit, blocking"
    kind = "bridgekit"
    needs = ("bridgekit",)
    cost = 1.5
    thread_safe = True
    concurrency = 1000

    @contextmanager
    def session(self) -> Iterator[None]:
        """One manager, one backend, all defaults but as many calls at a time as come."""
        from bridgekit.blocking import ProcessManager

        with ProcessManager() as manager:
            self._backend = manager.spawn(str(BACKENDS / "bench.py"), concurrency=self.concurrency)
            assert self._backend.call("executable") == sys.executable
            yield

    def call(self, value: str) -> object:
        """A call with a timeout."""
        return self._backend.call("echo", {"value": value}, timeout=TIMEOUT)

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """One ``call_many``."""
        params = [{"value": value} for value in values]
        replies: list[object] = self._backend.call_many("echo", params, timeout=TIMEOUT)
        return replies

    def events(self, count: int) -> int:
        """Subscribe, ask, and wait until the last event reached the handler."""
        seen = 0
        done = threading.Event()

        def tick(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == count:
                done.set()

        unsubscribe = self._backend.on("tick", tick)
        self._backend.call("fire", {"count": count}, timeout=TIMEOUT)
        done.wait(TIMEOUT)
        unsubscribe()
        return seen
