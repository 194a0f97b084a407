"""``multiprocessing.Pipe`` as one has to use it to get a timeout: ``poll`` before ``recv``."""

from __future__ import annotations

from benchmarks.competitors import mp_pipe
from benchmarks.competitors.base import TIMEOUT


class Competitor(mp_pipe.Competitor):
    """The same connection, asked with a timeout before each receive."""

    title = "multiprocessing.Pipe + poll(timeout)"
    cost = 4
    skips = ("flight", "events", "bulk")  # the timeout of a call is all it adds

    def call(self, value: str) -> object:
        """One send, one poll, one receive."""
        self._send("echo", {"value": value})
        if not self._connection.poll(TIMEOUT):
            raise TimeoutError
        return self._connection.recv()["result"]
