"""The story of a death, for those whose calls the process took with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridgekit.errors import BackendDied

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess

__all__ = ["last_line", "obituary"]

_MOST_NAMES = 500
_MOST_OF_A_LINE = 200

logger = logging.getLogger("bridgekit")


def obituary(
    name: str,
    child: ChildProcess,
    how: str,
    *,
    running: tuple[str, ...],
    stderr: str,
    stopped: bool,
    next_restart: float | None,
) -> Callable[[], Exception]:
    """Return what makes the error of each call in flight, and log a death that nobody wanted.

    ``how`` it ended, in words; ``running`` are the methods in flight, ``stopped`` tells that its
    host wanted it, ``next_restart`` in how many seconds the next one starts (None: none does).
    """
    running = tuple(method for method in running if not method.startswith("$/"))
    if stopped:
        story = f"backend {name!r} was stopped by its host ({how})"
    else:
        story = f"backend {name!r} (pid {child.pid}) died: {how}"
        logger.warning("%s", story, extra={"backend": name, "pid": child.pid})
    if running:
        names = ", ".join(dict.fromkeys(running))
        story += f"; in flight: {names[:_MOST_NAMES]}"
    if next_restart is not None and not stopped:
        story += (
            f"; it is started again in {next_restart:.2g} s"
            if next_restart
            else ("; it is started again at once")
        )
    text = stderr.rstrip()
    if text and not stopped:
        story += "; its stderr ends with:\n" + text
    return lambda: BackendDied(
        story,
        backend=name,
        pid=child.pid,
        exit_code=child.returncode,
        signal=child.signal_name,
        stderr=stderr,
        running=running,
        next_restart=next_restart,
    )


def last_line(stderr: str) -> str:
    """Return "; it last wrote: ..." for the last line that has any text, or nothing."""
    text = stderr.rstrip()
    if not text:
        return ""
    line = text[text.rfind("\n") + 1 :].strip()
    return f"; it last wrote: {line[-_MOST_OF_A_LINE:]}"
