"""What only the host can see of a backend's processes: memory, processor time, counters.

Memory and processor time come from ``/proc``; elsewhere they are not known (None).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.session import Session

__all__ = ["Process", "cpu_seconds", "lasting_facts", "process_facts", "resident_memory"]


class Process(Protocol):
    """One worker process, of whichever face."""

    @property
    def plan(self) -> LaunchPlan:
        """How it was started."""

    @property
    def child(self) -> ChildProcess:
        """The process itself."""

    @property
    def session(self) -> Session:
        """The conversation with it."""


def resident_memory(pid: int, proc: str = "/proc") -> int | None:
    """Bytes of memory that the process ``pid`` holds, None where that is not known."""
    if sys.platform == "win32":
        return None
    try:
        with open(f"{proc}/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def cpu_seconds(pid: int, proc: str = "/proc") -> float | None:
    """Seconds of processor time that the process has used, None where that is not known."""
    if sys.platform == "win32":
        return None
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            # The second field is the name in brackets, and may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return None


def process_facts(process: Process) -> dict[str, Any]:
    """Fields of a :class:`~bridgekit.policy.status.BackendStatus` that the process tells."""
    session, pid = process.session, process.child.pid
    lasting = lasting_facts(process)
    return {
        "failed_calls": session.failed,
        "late_replies": session.late,
        "malformed_frames": session.malformed,
        **lasting,
        "executable_exists": os.path.exists(lasting["executable"]),
        "memory": resident_memory(pid),
        "cpu": cpu_seconds(pid),
    }


def lasting_facts(process: Process) -> dict[str, Any]:
    """Those of them that are of the backend rather than of one process, and outlive it."""
    session, peer, plan = process.session, process.session.peer, process.plan
    return {
        "plain": session.plain and session.state != "starting",  # until then nobody knows
        "methods": peer.methods,
        "python_version": peer.python_version,
        "executable": peer.executable
        or (plan.argv[0] if plan.python is None else plan.python.path),
    }
