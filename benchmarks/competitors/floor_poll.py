"""The floor with a ``poll`` before each read: what a timeout costs by itself."""

from __future__ import annotations

import os
import select
import subprocess

from benchmarks.competitors import floor


class Competitor(floor.Competitor):
    """One registered poll object, asked before each read."""

    title = "floor + poll before read"
    kind = "probe"

    def launch(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Register the read end once."""
        child = super().launch(argv)
        poller = select.poll()
        poller.register(self._in, select.POLLIN)
        self._poll = poller.poll
        return child

    def read(self) -> bytes:
        """Wait for at most 30 seconds, then read."""
        if not self._poll(30000):
            raise TimeoutError
        return os.read(self._in, floor.CHUNK)
