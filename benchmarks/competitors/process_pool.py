"""``concurrent.futures.ProcessPoolExecutor`` with one worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from benchmarks.competitors.base import TIMEOUT, BlockingCompetitor


def echo(value: str) -> str:
    """Give the value back."""
    return value


class Competitor(BlockingCompetitor):
    """One future per call. No events."""

    title = "ProcessPoolExecutor"
    cost = 12
    thread_safe = True

    @contextmanager
    def session(self) -> Iterator[None]:
        """Start the worker (spawned, not forked)."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            self._pool = pool
            yield

    def call(self, value: str) -> object:
        """Submit and wait."""
        return self._pool.submit(echo, value).result(TIMEOUT)

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """Submit all, then wait for each."""
        futures = [self._pool.submit(echo, value) for value in values]
        return [future.result(TIMEOUT) for future in futures]
