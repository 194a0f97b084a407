"""What /proc knows about processes: descendants, who still lives, resident memory."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def stat(pid: int) -> tuple[str, int, int] | None:
    """State letter, parent and start time (ticks) of a process, or nothing when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


def descendants(pid: int) -> dict[int, int]:
    """Process id and start time of everything below a process; the pair names it for ever."""
    parents: dict[int, list[tuple[int, int]]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (known := stat(int(entry.name))):
            parents.setdefault(known[1], []).append((int(entry.name), known[2]))
    found: dict[int, int] = {}
    waiting = [pid]
    while waiting:
        for child, started in parents.get(waiting.pop(), []):
            found[child] = started
            waiting.append(child)
    return found


def alive(pid: int, started: int) -> bool:
    """Whether that very process still runs; a zombie does not."""
    known = stat(pid)
    return known is not None and known[2] == started and known[0] not in "ZX"


def memory(pid: int) -> dict[str, float]:
    """``Rss``, ``Pss`` and ``Private_Dirty`` of a process in MiB, from ``smaps_rollup``."""
    text = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines())
    wanted = ("Rss:", "Pss:", "Private_Dirty:")
    return {words[0][:-1]: int(words[1]) / 1024 for words in lines if words[0] in wanted}


def status(pid: int, key: str) -> float:
    """One size (``VmHWM``, ``VmRSS``) from ``/proc/PID/status``, in MiB."""
    for line in (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)
