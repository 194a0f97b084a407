"""Where the host tests find their children, and ways to wait that are not sleeps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

CHILDREN = Path(__file__).parent / "children"
MENU = str(CHILDREN / "menu.py")
DEADLINE = 30.0
"""Seconds after which a test gives up; generous, because the machine may be busy."""


def plain(manner: str) -> list[str]:
    """The command line of a backend that knows the plain frames only."""
    return [sys.executable, str(CHILDREN / "plain.py"), manner]


def steal(pid: int) -> None:
    """Take the status of any child that has ended, as other people's code does, until ``pid``'s is
    gone too; nothing that still runs is waited for."""
    try:
        while True:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        pass


def lives(pid: int) -> bool:
    """Whether a process of that number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], object]) -> None:
    """Wait until ``condition()`` is true; fail after the deadline."""
    with anyio.fail_after(DEADLINE):
        while not condition():
            await anyio.sleep(0.002)
