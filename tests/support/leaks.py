"""What a test may not leave behind: child processes, descriptors, threads.

A snapshot is a few directory listings, so that every test can afford one before and one after.
Where the system has no ``/proc`` only threads are compared.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SETTLE = 3.0
"""Seconds that something already on its way out is given before it counts as left behind."""

KNOWN = (
    "Trio thread",  # trio keeps idle workers for ten seconds
    "trio/_core/_thread_cache",
    "multiprocessing.resource_tracker",  # lives as long as the interpreter
    "multiprocessing.forkserver",
    "/dev/urandom",  # opened once by the interpreter or by a library
)

_PROC = Path("/proc/self")


def snapshot() -> set[str]:
    """Describe every child, descriptor and thread that this process has now."""
    return {item for item in _everything() if not any(known in item for known in KNOWN)}


def leaked(before: set[str], settle: float = SETTLE) -> list[str]:
    """What is here now and was not ``before``, once ``settle`` seconds brought no improvement."""
    now = snapshot() - before
    if not now:
        return []
    gc.collect()
    deadline = time.monotonic() + settle
    pause = 0.001
    while (now := snapshot() - before) and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    return sorted(now)


def _everything() -> Iterator[str]:
    for thread in threading.enumerate():
        yield f"thread {thread.name!r} (daemon={thread.daemon}, ident={thread.ident})"
    yield from _raw_threads()
    if _PROC.exists():
        yield from _children()
        yield from _descriptors()


def _children() -> Iterator[str]:
    for task in _listing(_PROC / "task"):
        for pid in _read(_PROC / "task" / task / "children").split():
            command = _read(Path("/proc", pid, "cmdline")).replace("\0", " ").strip()
            yield f"child process {pid}: {command or 'ended, but never waited for'}"


def _descriptors() -> Iterator[str]:
    for number in _listing(_PROC / "fd"):
        with contextlib.suppress(OSError):  # the listing's own descriptor
            yield f"descriptor {number} -> {os.readlink(_PROC / 'fd' / number)}"


def _raw_threads() -> Iterator[str]:
    known = {thread.ident for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident not in known:
            code = frame.f_code
            yield f"thread {ident} started without threading, in {code.co_filename}:{code.co_name}"


def _listing(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
