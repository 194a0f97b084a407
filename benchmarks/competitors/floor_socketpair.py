"""The floor over a Unix socket pair instead of two pipes: the price of the transport."""

from __future__ import annotations

import os
import socket
import subprocess

from benchmarks.competitors import floor


class Competitor(floor.Competitor):
    """One socket pair is the child's stdin and stdout."""

    title = "floor over a socketpair"
    kind = "probe"

    def launch(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Give the child the same socket twice."""
        ours, theirs = socket.socketpair()
        child = subprocess.Popen(argv, stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        self._out = ours.detach()
        self._in = self._out
        return child

    def read(self) -> bytes:
        """A plain read from the socket."""
        return os.read(self._in, floor.CHUNK)
