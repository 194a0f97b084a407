"""Watching processes that are not our children, without sleeping."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence

PATIENCE = 20.0
"""Seconds after which a test gives up; generous, because machines are slow and noisy."""

BARE = (sys.executable, "-I", "-S", "-c")
"""The quickest way to run a few lines of Python: neither site-packages nor bridgekit."""


def watch(pid: int) -> int:
    """A descriptor that becomes readable when the process ``pid``, whoever's child, has ended."""
    return os.pidfd_open(pid)


def gone(descriptor: int, timeout: float = PATIENCE) -> bool:
    """Whether the watched process ends within ``timeout`` seconds; closes the descriptor."""
    try:
        return readable(descriptor, timeout)
    finally:
        os.close(descriptor)


def readable(descriptor: int, timeout: float = PATIENCE) -> bool:
    """Whether there is something to read (or an end of file) within ``timeout`` seconds."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(timeout * 1000))


def read_line(descriptor: int, timeout: float = PATIENCE) -> str:
    """The next line from a descriptor that may be non-blocking."""
    line = bytearray()
    while not line.endswith(b"\n"):
        assert readable(descriptor, timeout), f"nothing came; so far: {bytes(line)!r}"
        piece = os.read(descriptor, 1)
        if not piece:
            break
        line += piece
    return line.decode()


def bare(code: str, *args: str) -> Sequence[str]:
    """The command line that runs ``code`` in a bare interpreter."""
    return [*BARE, code, *args]
