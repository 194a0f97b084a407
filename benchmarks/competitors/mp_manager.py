"""A ``multiprocessing`` manager with a registered class, called through its proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.managers import BaseManager

from benchmarks.competitors.base import BlockingCompetitor


class Echo:
    """What the manager's process offers."""

    def echo(self, value: str) -> str:
        """Give the value back."""
        return value


class Manager(BaseManager):
    """A manager of our own, so that nothing but `Echo` is registered."""


Manager.register("Echo", Echo)


class Competitor(BlockingCompetitor):
    """One proxy; it opens a connection per calling thread. No events, nothing in flight."""

    title = "multiprocessing manager proxy"
    cost = 2.5
    thread_safe = True

    @contextmanager
    def session(self) -> Iterator[None]:
        """Start the manager's process (spawned, not forked)."""
        with Manager(ctx=get_context("spawn")) as manager:
            self._proxy: Echo = manager.Echo()  # type: ignore[attr-defined]
            yield

    def call(self, value: str) -> object:
        """One proxied method call."""
        return self._proxy.echo(value)
