"""Shows on stderr what a backend says while a call of the command line runs."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["show_event"]


def show_event(event: Any) -> None:
    """Pass on what belongs to the call; it comes in this thread, before the result."""
    if event.topic == "$/output":
        sys.stderr.write(event.data["text"])
        sys.stderr.flush()
    elif event.topic == "$/progress":
        _show_progress(event.data)


def _show_progress(data: Any) -> None:
    progress = data.get("progress")
    done = f"{progress:4.0%} " if isinstance(progress, int | float) else ""
    words = " ".join(str(data[key]) for key in ("step", "message") if data.get(key))
    print(f"{done}{words}", file=sys.stderr)
