"""Run a figure's own module in a fresh process, so that the command itself stays out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.model import Row, Table


class Failed(RuntimeError):
    """The process gave no answer; carries the last line it wrote to stderr."""


def ask(module: str, *arguments: str, cpu: int | None = None, timeout: float = 900) -> Any:
    """``python -m MODULE ARGUMENTS``; the last line of its stdout, decoded."""

    def pin() -> None:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})

    argv = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, preexec_fn=pin, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"no answer within {timeout:.0f} s"
        raise Failed(message) from error
    if done.returncode or not done.stdout.strip():
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Failed(lines[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def failure(bench: str, title: str, rows: list[Row], error: Failed) -> Table:
    """A table that says why there are no figures, each row missing its bar."""
    marked = (Row(bench, row.name, row.title, bar=row.bar, note=str(error)) for row in rows)
    return Table(bench, title, "", tuple(marked))
