"""What a blocking host asks of pipes, by names that fit every system.

POSIX systems are asked directly: ``read`` and ``write`` are those of ``os`` and cost nothing
more. Windows can neither poll a pipe nor write to one without blocking; threads do it there
(:mod:`bridgekit.blocking.threads`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if sys.platform == "win32":
    from bridgekit.blocking.threads import (
        Poller,
        Selector,
        again,
        close_stdin,
        drain,
        forget,
        never_block,
        read,
        write,
    )
else:
    import errno
    import os
    import select
    from os import read, write
    from selectors import DefaultSelector as Selector

    Poller = select.poll

    if TYPE_CHECKING:
        from bridgekit.host.launchers.child import ChildProcess

    def never_block(descriptor: int) -> None:
        """Have reads and writes raise BlockingIOError where they would have to wait."""
        os.set_blocking(descriptor, False)

    def again(descriptor: int, flags: int) -> int:
        """Open the pipe of ``descriptor`` once more, with flags of its own.

        Raises OSError where that cannot be done: Linux alone can, by way of /proc (proc(5)).
        """
        if sys.platform != "linux":
            raise OSError(errno.ENOTSUP, "only Linux opens a pipe again")
        return os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC)

    def close_stdin(child: ChildProcess) -> None:
        """End of file for the child, after everything that was written."""
        child.close_stdin()

    def drain(descriptor: int) -> None:
        """The process has ended: everything that it left is to be read."""

    def forget(*descriptors: int) -> None:
        """The descriptors are about to be closed."""


__all__ = [
    "IN",
    "LONGEST",
    "OUT",
    "Poller",
    "Selector",
    "again",
    "close_stdin",
    "drain",
    "forget",
    "never_block",
    "read",
    "write",
]

IN, OUT = 1, 4
"""POLLIN and POLLOUT."""

LONGEST = 0.5 if sys.platform == "win32" else 30.0
"""Seconds that one wait lasts at most. On Windows Ctrl-C comes through only between waits."""
