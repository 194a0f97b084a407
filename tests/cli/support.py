"""Runs the ``bridgekit`` command as a person does: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import PATIENCE, read_line

MENU = Path(__file__).parent / "targets" / "menu.py"


def bridgekit(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``bridgekit WORDS`` to its end."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "bridgekit", *map(str, words)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


SET = """
[backends.one]
target = "menu.py"
restart = {{ backoff = 0, max_restarts = {restarts} }}

[backends.two]
target = "menu.py"
workers = 2
"""


def write_set(folder: Path, restarts: int = 5) -> Path:
    """Write a set of two backends into ``folder``; return its file."""
    (folder / "menu.py").write_text(MENU.read_text())
    path = folder / "bridgekit.toml"
    path.write_text(SET.format(restarts=restarts))
    return path


class Running:
    """``bridgekit up`` as a process whose lines of JSON are read one by one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "bridgekit", "up", str(path), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def until(self, backend: str, new: str, worker: int = 0) -> dict[str, Any]:
        """Read lines up to the change that brings ``backend`` into the state ``new``."""
        assert self.process.stdout is not None
        while True:
            line = read_line(self.process.stdout.fileno())
            assert line, f"it ended before {backend} was {new}"
            change: dict[str, Any] = json.loads(line)
            if (change.get("backend"), change.get("worker"), change.get("new")) == (
                backend, worker, new,
            ):  # fmt: skip
                return change

    def until_ready(self) -> None:
        """Read up to the moment when each of the three workers is ready."""
        assert self.process.stdout is not None
        missing = {("one", 0), ("two", 0), ("two", 1)}
        while missing:
            change = json.loads(read_line(self.process.stdout.fileno()))
            if change["new"] == "ready":
                missing.discard((change["backend"], change["worker"]))

    def ps(self) -> dict[str, Any]:
        """What ``bridgekit ps`` says of it, by the backends' names."""
        done = bridgekit("ps", self.path, "--json")
        assert done.returncode == 0, done.stderr
        (found,) = [
            each for each in json.loads(done.stdout)["running"] if each["pid"] == self.process.pid
        ]
        return {backend["name"]: backend for backend in found["backends"]}

    def pids(self) -> list[int]:
        """The process ids of all workers."""
        return [worker["pid"] for each in self.ps().values() for worker in each["workers"]]

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal; return the exit status and the rest of both streams."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.decode(), err.decode()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
