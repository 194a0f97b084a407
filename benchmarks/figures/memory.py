"""Resident memory of an idle child beside a bare interpreter that waits for input."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks import bars, isolated, processes
from benchmarks.model import Row, Settings, Table

TITLE = "memory of an idle child beyond a bare interpreter's"
BOTH_MODES = False
KEYS = (
    ("rss", "Rss", "resident (RSS)"),
    ("pss", "Pss", "proportional (PSS)"),
    ("dirty", "Private_Dirty", "private and dirty"),
)


def run(settings: Settings) -> Table:
    """The difference, with both sides beside it."""
    rows = [Row("memory", name, title, bar=bars.bar("memory", name)) for name, _, title in KEYS]
    try:
        found: dict[str, list[float]] = isolated.ask(
            "benchmarks.figures.memory", "2" if settings.quick else "7"
        )
    except isolated.Failed as error:
        return isolated.failure("memory", TITLE, rows, error)
    done = []
    for row, (_, key, _) in zip(rows, KEYS, strict=True):
        idle, bare = found[key]
        note = f"{idle:.1f} against {bare:.1f} MiB"
        done.append(
            Row(row.bench, row.name, row.title, idle - bare, unit="MiB", bar=row.bar, absolute=note)
        )
    return Table("memory", TITLE, "", tuple(done))


def idle_bare() -> dict[str, float]:
    """A bare interpreter, blocked in a read."""
    argv = [sys.executable, "-c", "import os; os.write(1, b'x'); os.read(0, 1)"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.read(1)
        time.sleep(0.05)
        found = processes.memory(child.pid)
        child.stdin.close()
        return found


def idle_child() -> dict[str, float]:
    """A backend after its handshake, found as our only child and not asked for anything."""
    from benchmarks.competitors.base import BACKENDS
    from bridgekit.blocking import ProcessManager

    with ProcessManager() as manager:
        backend = manager.spawn(str(BACKENDS / "bench.py"))
        time.sleep(0.05)
        (pid,) = processes.descendants(os.getpid())
        found = processes.memory(pid)
        backend.terminate()
    return found


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """In a process of its own: medians of both, in turn."""
    pairs = [(idle_child(), idle_bare()) for _ in range(rounds)]
    return {
        key: (
            statistics.median(idle[key] for idle, _ in pairs),
            statistics.median(bare[key] for _, bare in pairs),
        )
        for _, key, _ in KEYS
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
