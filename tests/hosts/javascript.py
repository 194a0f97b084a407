"""Running the JavaScript hosts: what they need from npm, their checks, and their violent death."""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HOSTS = HERE.parents[1] / "examples" / "hosts"
WAYS_TO_LIVE_ON = [
    ("idle", "lifeline"),
    ("busy in Python", "lifeline"),
    ("sleeping", "lifeline"),
    ("holding the GIL", "lifeline"),
    ("idle", "stdin alone"),
    ("busy in Python", "stdin alone"),
    ("sleeping", "stdin alone"),
]
"""What a backend does when its host dies, and what there is to tell it so."""
PATIENCE = 60.0
"""Seconds after which something that should have happened at once counts as not happening."""


def find(name: str) -> str:
    """Return where a program of Node.js is; skip the test if this machine has none."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def install(folder: Path) -> Path:
    """Install the pinned packages of ``folder``, unless it was done before; return where."""
    fcntl = pytest.importorskip("fcntl")
    npm = find("npm")
    modules = folder / "node_modules"
    stamp = modules / ".package-lock.json"  # npm writes it last
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"bridgekit-npm-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be at it
        if not stamp.exists() or stamp.stat().st_mtime < _changed(folder):
            command = [npm, "ci", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"npm ci failed in {folder}:\n{done.stdout}{done.stderr}"
            stamp.touch()
    return modules


def _changed(folder: Path) -> float:
    files = ("package.json", "package-lock.json")
    return max((folder / file).stat().st_mtime for file in files)


def run(*command: str | Path, cwd: Path = HERE, env: dict[str, str] | None = None) -> str:
    """Run a program that must succeed; return what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def exported(file: Path) -> list[str]:
    """Return the names of the functions that a JavaScript file exports for all to call."""
    return re.findall(r"^export async function (\w+)", file.read_text(), re.MULTILINE)


def checks() -> list[str]:
    """Return the names of the checks that every host is put through, as ``file.function``."""
    files = sorted((HERE / "checks").glob("*.mjs"))
    return [f"{file.stem}.{name}" for file in files for name in exported(file)]


def run_check(runtime: str, host: Path, check: str) -> None:
    """Put one host through one check, with the interpreter of this test run."""
    printed = run(runtime, HERE / "run.mjs", host, sys.executable, check)
    assert printed.splitlines()[-1] == f"{check.split('.')[1]}: fine"


def run_demo(runtime: str, program: Path) -> None:
    """Run a host's demonstration and see that it showed everything."""
    printed = run(runtime, program, cwd=program.parent, env={"PYTHON": sys.executable})
    for shown in (
        "Hello, Ada 🦉!",
        "sent by a thread of the backend",
        "2 3 5 7 11 13 17 19 23 29 31 37",
        "[####################] step 4 of 4",
        "ZeroDivisionError: division by zero",
        "in divide",
        "no reply in 200 ms",
        "work: cancelled",
        "ended with SIGABRT; its last words:",
        "stopped   a second backend, in order",
    ):
        assert shown in printed


def kill_host(runtime: str, host: Path, way: tuple[str, str], folder: Path) -> None:
    """Kill a host without warning; its backend, in whatever state, must go with it.

    The backend holds one end of a pipe open and nobody else does, so that the end of that pipe
    is the end of the backend.
    """
    fifo = folder / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    command = [runtime, HERE / "holder.mjs", host, sys.executable, fifo, *way]
    try:
        with subprocess.Popen(command) as process:
            try:
                assert _hear(alive) == b"!", "the backend did not start"
            finally:
                process.kill()
        assert _hear(alive) == b"", f"a backend outlives its host: {way}"
    finally:
        os.close(alive)


def _hear(descriptor: int) -> bytes | None:
    """Return what comes next on a pipe, nothing at its end, None if neither happens."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN | select.POLLHUP)
    deadline = time.monotonic() + PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        if poller.poll(left * 1000):
            return os.read(descriptor, 1)
    return None
