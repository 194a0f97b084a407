"""Which standard-library modules a cold child loads beyond a bare interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import bars, isolated
from benchmarks.model import Row, Settings, Table

TITLE = "modules of a cold child beyond a bare interpreter's"
BOTH_MODES = False
FORBIDDEN = {
    *("anyio", "attr", "attrs", "cattrs", "orjson"),
    *("asyncio", "dataclasses", "inspect", "logging", "re", "traceback", "typing"),
}


def run(settings: Settings) -> Table:
    """Two counts, with the names."""
    rows = [
        Row("modules", "cold", "new modules, bridgekit's own rooms aside"),
        Row("modules", "forbidden", "of these, forbidden"),
    ]
    rows = [Row(row.bench, row.name, row.title, bar=bars.bar("modules", row.name)) for row in rows]
    try:
        new: list[str] = isolated.ask("benchmarks.figures.modules")
    except isolated.Failed as error:
        return isolated.failure("modules", TITLE, rows, error)
    banned = [name for name in new if name.partition(".")[0] in FORBIDDEN]
    counted = [
        Row(row.bench, row.name, row.title, len(names), unit="modules", bar=row.bar, absolute=note)
        for row, names, note in (
            (rows[0], new, " ".join(new)),
            (rows[1], banned, " ".join(banned)),
        )
    ]
    return Table("modules", TITLE, "", tuple(counted))


def measure() -> list[str]:
    """In a process of its own: a cold child's modules less a bare interpreter's."""
    from benchmarks.competitors.base import BACKENDS
    from bridgekit.blocking import ProcessManager

    code = "import sys; print(*sorted(sys.modules))"
    bare = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with ProcessManager() as manager:
        loaded = manager.spawn(str(BACKENDS / "bench.py")).call("modules", timeout=30)
    new = set(loaded).difference(bare.stdout.split())
    return sorted(name for name in new if name.partition(".")[0] != "bridgekit")


if __name__ == "__main__":
    print(json.dumps(measure()))
