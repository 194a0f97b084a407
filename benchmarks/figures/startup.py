"""From spawn to the first reply, beside ``python -c pass`` of the same interpreter.

Measured from a process that imports little more than ``bridgekit.blocking``, interleaved, with
the same pipes for everybody. The child that loads only the C scanner behind ``json`` and answers
one line shows what no backend can beat.
"""

from __future__ import annotations

import compileall
import json
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns as clock

import bridgekit
from benchmarks import bars, isolated
from benchmarks.model import Row, Settings, Table

TITLE = "spawn to first reply, in times of python -c pass"
BOTH_MODES = True
SCANNER = (
    "import os, _json\n"
    "os.write(1, b'{}\\0')\n"
    "data = os.read(0, 65536)\n"
    "os.write(1, data)\n"
    "os.read(0, 1)\n"
)
ROWS = (
    ("bare", "python -c pass, to its exit"),
    ("scanner", "a child with nothing but _json, to its first reply"),
    ("ready", "bridgekit, blocking: spawn"),
    ("bridgekit", "bridgekit, blocking: spawn and first call"),
)


def run(settings: Settings) -> Table:
    """Ratios of each round to the bare interpreter of that round."""
    mode = "pinned" if settings.pinned else "free"
    # An installed package comes compiled; a checkout may not be (PYTHONDONTWRITEBYTECODE).
    compileall.compile_dir(str(Path(bridgekit.__file__).parent), quiet=2)
    rows = [Row("startup", name, title, bar=bars.bar("startup", name)) for name, title in ROWS]
    try:
        rounds: list[dict[str, float]] = isolated.ask(
            "benchmarks.figures.startup", "3" if settings.quick else "60", cpu=settings.cpu
        )
    except isolated.Failed as error:
        return isolated.failure("startup", TITLE, rows, error)
    done = []
    for row in rows:
        ratios = [each[row.name] / each["bare"] for each in rounds]
        quartiles = statistics.quantiles(ratios, n=4)
        done.append(
            Row(
                row.bench,
                row.name,
                row.title,
                value=statistics.median(ratios),
                spread=(quartiles[0], quartiles[2]),
                absolute=f"{statistics.median(each[row.name] for each in rounds):.1f} ms",
                bar=row.bar,
            )
        )
    return Table("startup", TITLE, mode, tuple(done))


def popen(code: str) -> subprocess.Popen[bytes]:
    """A child on this interpreter with three pipes, as a bridge needs them."""
    pipe = subprocess.PIPE
    argv = [sys.executable, "-c", code]
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)


def bare() -> float:
    """Milliseconds from spawn to exit of an interpreter that does nothing."""
    started = clock()
    with popen("pass") as child:
        child.wait()
        return (clock() - started) / 1e6


def scanner() -> float:
    """Milliseconds from spawn to the reply of the smallest child."""
    started = clock()
    with popen(SCANNER) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"x")
        seen = b""
        while not seen.endswith(b"x"):
            seen += child.stdout.read(65536)
        spent = (clock() - started) / 1e6
        child.stdin.close()
        return spent


def measure(rounds: int) -> list[dict[str, float]]:
    """In the lean process: all of them in turn, after two rounds that do not count."""
    from benchmarks.competitors.base import BACKENDS
    from bridgekit.blocking import ProcessManager

    script = str(BACKENDS / "bench.py")
    results = []
    with ProcessManager() as manager:
        for _ in range(rounds + 2):
            result = {"bare": bare(), "scanner": scanner()}
            started = clock()
            backend = manager.spawn(script)
            result["ready"] = (clock() - started) / 1e6
            backend.call("echo", {"value": "x"}, timeout=30)
            result["bridgekit"] = (clock() - started) / 1e6
            backend.terminate()
            results.append(result)
    return results[2:]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
