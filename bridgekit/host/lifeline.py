"""The host's end of a child's life: a pipe that kills the child's group when the host is gone.

The host alone holds the write end. Closing it, by ``kill -9`` too, makes the kernel send
SIGKILL to the child's process group, even when the child holds the GIL or never heard of
bridgekit. On Linux the host arms the pipe itself: owner and signal of asynchronous I/O belong
to the open file description, which the child shares. (``PR_SET_PDEATHSIG`` follows the thread
that spawned, not the process, and would kill healthy children.) Elsewhere the child watches the
pipe.

A forked sibling of the host must not hold that write end, nor the stdio pipes: it would keep
them open after the host has died. So every descriptor is owned by something registered here,
and a fork closes them all in the new process. :data:`spawning` is held while descriptors exist
that nobody has registered yet, and by every fork.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import Protocol

__all__ = ["Disowned", "arm", "forget_after_fork", "open_lifeline", "spawning"]

spawning = threading.RLock()
"""Held while a launcher has descriptors open that are not yet registered, and during a fork."""

_F_SETSIG = 10
_F_SETOWN = 8


class Disowned(Protocol):
    """Something whose descriptors a forked copy of this process must drop."""

    def disown(self) -> None:
        """Close every descriptor and refuse further use; runs in the forked copy, alone."""


_owners: set[weakref.ref[Disowned]] = set()


def forget_after_fork(owner: Disowned) -> None:
    """Have ``owner.disown()`` called in every process forked from this one from now on."""
    # The callback is C code: Python's, run by the end of any object, could swallow a Ctrl-C.
    _owners.add(weakref.ref(owner, _owners.discard))


def open_lifeline() -> tuple[int, int]:
    """Return the child's end (pass it on, then close it here) and the host's end (hold it)."""
    return os.pipe()


def arm(child_end: int, group: int) -> bool:
    """Have the kernel send SIGKILL to process group ``group`` once the host's end is closed.

    Call it as soon as the child exists. Returns False where only the child can watch the pipe.
    A host that dies between the spawn and this call is noticed by the backend itself: it looks
    at the pipe once when it starts.
    """
    if not sys.platform.startswith("linux"):
        return False
    import fcntl
    import signal

    try:
        fcntl.fcntl(child_end, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(child_end, _F_SETOWN, -group)
        fcntl.fcntl(child_end, fcntl.F_SETFL, os.O_ASYNC)
    except OSError:
        return False
    return True


def _after_fork_in_child() -> None:
    global spawning
    spawning = threading.RLock()
    for reference in list(_owners):
        owner = reference()
        if owner is not None:
            owner.disown()
    _owners.clear()


def _before_fork() -> None:
    spawning.acquire()


def _after_fork_in_parent() -> None:
    spawning.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
