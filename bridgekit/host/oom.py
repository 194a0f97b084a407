"""Whether the kernel's out-of-memory killer has been at work, as far as the kernel tells.

A process that it killed looks like any other that got SIGKILL. The control group's counter of
such kills tells the difference: it is read when a process starts and again when one was killed
by a SIGKILL that was not ours. Other processes of the group count too, so this names the likely
cause; nothing here raises where there are no control groups.
"""

from __future__ import annotations

__all__ = ["OOM", "oom_kills"]

OOM = "killed by SIGKILL: the kernel's OOM killer ended a process here, for want of memory"
"""What is said of a process for which the counter went up."""


def oom_kills(pid: int | str = "self", proc: str = "/proc", groups: str = "/sys/fs/cgroup") -> int:
    """Return how many processes of the control group of ``pid`` were killed so far; 0: unknown.

    See "memory.events" in the kernel's Documentation/admin-guide/cgroup-v2.rst, and
    "memory.oom_control" in cgroup-v1/memory.rst.
    """
    try:
        with open(f"{proc}/{pid}/cgroup", encoding="ascii", errors="replace") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return 0
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if not controllers:
            places = [f"{groups}{path}/memory.events", f"{groups}/memory.events"]
        elif "memory" in controllers.split(","):
            places = [f"{groups}/memory{path}/memory.oom_control"]
        else:
            continue
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
