"""Whether the kernel's out-of-memory killer has been at work, as far as the kernel tells.

A process that it killed looks like any other that got SIGKILL. The control group's counter of
such kills tells the difference: it is read when a process is ready and again when one was killed
by a SIGKILL that was not ours. Other processes of the group count too, so this names the likely
cause; nothing here raises where there are no control groups.

The group that counts is the child's own. It need not be ours (``systemd-run --scope``, a container
or the backend itself may have moved it), version 1 counts in that group alone, and a process that
is gone has none any more: so it is remembered while the process lives.
"""

from __future__ import annotations

__all__ = ["OOM", "OomWatch", "oom_kills"]

PROC, GROUPS = "/proc", "/sys/fs/cgroup"

OOM = "killed by SIGKILL: the kernel's OOM killer ended a process here, for want of memory"
"""What is said of a process for which the counter went up."""


class OomWatch:
    """Tells of one process whether the kernel killed it; first it counts as one of our group."""

    def __init__(self, proc: str = PROC, groups: str = GROUPS) -> None:
        self._proc, self._groups = proc, groups
        self._places = _counters("self", proc, groups)
        self._before = _read(self._places)

    def follow(self, pid: int) -> None:
        """Count in the group that ``pid``, which lives, is in now."""
        places = _counters(pid, self._proc, self._groups)
        if places and places != self._places:
            self._places, self._before = places, _read(places)

    @property
    def struck(self) -> bool:
        """Whether processes of the group were killed meanwhile."""
        return _read(self._places) > self._before


def oom_kills(pid: int | str = "self", proc: str = PROC, groups: str = GROUPS) -> int:
    """Return how many processes of the control group of ``pid`` were killed so far; 0: unknown.

    See "memory.events" in the kernel's Documentation/admin-guide/cgroup-v2.rst, and
    "memory.oom_control" in cgroup-v1/memory.rst.
    """
    return _read(_counters(pid, proc, groups))


def _counters(pid: int | str, proc: str, groups: str) -> list[str]:
    """The files that may count for ``pid``, the best first."""
    try:
        with open(f"{proc}/{pid}/cgroup", encoding="ascii", errors="replace") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    places: list[str] = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if not controllers:
            places += [f"{groups}{path}/memory.events", f"{groups}/memory.events"]
        elif "memory" in controllers.split(","):
            places.append(f"{groups}/memory{path}/memory.oom_control")
    return places


def _read(places: list[str]) -> int:
    for place in places:
        count = _count(place)
        if count is not None:
            return count
    return 0


def _count(place: str) -> int | None:
    try:
        with open(place, encoding="ascii") as file:
            for line in file:
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    except (OSError, ValueError):
        pass
    return None
