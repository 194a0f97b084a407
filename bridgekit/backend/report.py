"""Answers to ``$/ping``, ``$/stats`` and ``$/stack``: how the backend is doing."""

from __future__ import annotations

import os
import sys
from time import monotonic, process_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["ping", "stack", "stats"]

_MOST_FRAMES = 100


def _running(loop: Loop) -> list[Any]:
    entry = loop.running
    ids = [] if entry is None else [entry[0] if entry.__class__ is tuple else entry.id]
    return ids + [each.id for each in list(loop.active.values()) if each.id not in ids]


def ping(loop: Loop) -> dict[str, Any]:
    """Whether calls are running, which, and how many wait."""
    running, queued = _running(loop), len(loop.queue)
    return {"busy": bool(running or queued), "running": running, "queued": queued}


def stats(loop: Loop) -> dict[str, Any]:
    """Counts since the start; seconds and bytes."""
    return {
        "pid": os.getpid(),
        "uptime": round(monotonic() - loop.started, 3),
        "calls": loop.calls,
        "errors": loop.errors,
        "queued": len(loop.queue),
        "running": len(_running(loop)),
        "cpu_seconds": round(process_time(), 3),
        "memory": _resident(),
        "threads": len(sys._current_frames()),
    }


def _resident() -> Any:
    """Resident bytes, where the system says so in a file."""
    if sys.platform == "win32":
        return None
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def stack(loop: Loop) -> dict[str, Any]:
    """Where each thread is right now, innermost frame last."""
    threads = []
    for ident, frame in sys._current_frames().items():
        lines: list[str] = []
        at: Any = frame
        while at is not None and len(lines) < _MOST_FRAMES:
            code = at.f_code
            lines.append(f'File "{code.co_filename}", line {at.f_lineno}, in {code.co_name}')
            at = at.f_back
        name = "main" if ident == loop.main else _name(ident, loop)
        threads.append({"thread": name, "ident": ident, "frames": lines[::-1]})
    threads.sort(key=lambda each: each["thread"] != "main")
    return {"threads": threads}


def _name(ident: int, loop: Loop) -> str:
    if ident == loop.helper.ident:
        return "bridgekit helper"
    threading: Any = sys.modules.get("threading")
    thread = threading._active.get(ident) if threading is not None else None
    return thread.name if thread is not None else f"thread {ident}"
