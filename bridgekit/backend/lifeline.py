"""The backend's end of its life: a pipe whose other end only its host holds.

On Linux the kernel kills this process (and its group) when that end closes. Our own host sees to
that from its side, and nothing has to run here for it; a host whose language has no ``fcntl``
only passes a pipe or a socket, and the backend arms it. What remains is to keep the pipe from our
own children, to notice a host that died before that, and to watch the pipe on other systems.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

__all__ = ["VARIABLE", "take_lifeline"]

VARIABLE = "BRIDGEKIT_LIFELINE"
"""Names the descriptor; taken out of the environment so that no grandchild believes in it."""

_F_SETSIG = 10
_O_ASYNC = 0o20000


def take_lifeline() -> Optional[int]:
    """Take over the lifeline, if there is one; return the descriptor if it must be watched.

    Ends the process at once if the host is gone already.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None or not text.isdecimal():
        return None
    descriptor = int(text)
    try:
        os.set_inheritable(descriptor, False)
        if sys.platform == "win32":
            return None
        import select

        poller = select.poll()
        poller.register(descriptor, select.POLLHUP)
        if sys.platform == "linux" and not _armed(descriptor):
            _arm(descriptor)
        if poller.poll(0):
            os._exit(0)
    except OSError:  # it names nothing: somebody passed the environment but not the pipe
        return None
    return None if sys.platform == "linux" else descriptor


def _armed(descriptor: int) -> bool:
    """Whether the host has asked the kernel already; ``/proc`` tells without an import."""
    try:
        info = os.open(f"/proc/self/fdinfo/{descriptor}", os.O_RDONLY)
    except OSError:
        return False
    try:
        flags = os.read(info, 256).split(b"flags:")[1].split()[0]
    finally:
        os.close(info)
    return bool(int(flags, 8) & _O_ASYNC)


def _arm(descriptor: int) -> None:
    """Have the kernel send SIGKILL here when the other end closes.

    To the whole group if this process leads it; the host's own group is not ours to kill.
    """
    if sys.platform == "linux":
        import fcntl

        pid = os.getpid()
        fcntl.fcntl(descriptor, _F_SETSIG, 9)
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, -pid if os.getpgrp() == pid else pid)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_ASYNC)
