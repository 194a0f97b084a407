"""What a person or a program sees of ``bridgekit up``: a live table, lines, or lines of JSON.

A view is told of each change; only the table wants to be drawn in between. All of it runs in a
thread, because a terminal or a pipe that nobody reads must not hold up the supervision.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

from bridgekit.cli.board import COLUMNS
from bridgekit.policy.lifecycle import StateChange

__all__ = ["JsonLines", "Lines", "Table", "View", "choose"]


class View(Protocol):
    """Shows what happens; ``interval`` is the most seconds between two calls (None: any)."""

    interval: float | None

    def show(self, changes: Sequence[StateChange], cells: Sequence[Sequence[str]]) -> None:
        """Show ``changes``, which are new, and the rows of the table as it is now."""

    def close(self) -> None:
        """Nothing more will come."""


def _clock(change: StateChange) -> float:
    """Return when it happened, in seconds of the wall clock."""
    return time.time() - time.monotonic() + change.at


class Lines:
    """One line for each change."""

    interval: float | None = None

    def show(self, changes: Sequence[StateChange], cells: Sequence[Sequence[str]]) -> None:
        for change in changes:
            at = time.strftime("%H:%M:%S", time.localtime(_clock(change)))
            reason = " ".join(change.reason.split())
            line = f"{at} {change.backend}/{change.worker} {change.old} -> {change.new}"
            print(f"{line}: {reason}" if reason else line, flush=True)

    def close(self) -> None:
        pass


class JsonLines:
    """One line of JSON for each change."""

    interval: float | None = None

    def show(self, changes: Sequence[StateChange], cells: Sequence[Sequence[str]]) -> None:
        for change in changes:
            fields = change._asdict() | {"at": round(_clock(change), 3)}
            print(json.dumps(fields, separators=(",", ":")), flush=True)

    def close(self) -> None:
        pass


class Table:
    """A table that is drawn anew in its place; raises ImportError where rich is not installed."""

    interval: float | None = 1.0

    def __init__(self, file: Any = None) -> None:
        from rich.console import Console
        from rich.live import Live

        # What is written to the terminal meanwhile goes above the table; a file stays a file.
        self._live = Live(
            console=Console(file=file),
            auto_refresh=False,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._started = False

    def show(self, changes: Sequence[StateChange], cells: Sequence[Sequence[str]]) -> None:
        from rich.table import Table as Grid
        from rich.text import Text

        if not self._started:
            self._started = True
            self._live.start()
        grid = Grid(box=None, header_style="bold")
        for name in COLUMNS:
            grid.add_column(name, no_wrap=name != COLUMNS[-1])
        for row in cells:
            grid.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
        self._live.update(grid, refresh=True)

    def close(self) -> None:
        self._live.stop()


_STYLES = {
    "ready": "green",
    "busy": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "backing-off": "red",
    "failed": "bold red",
    "stopped": "dim",
    "idle": "dim",
    "paused": "cyan",
}


def choose(*, as_json: bool) -> View:
    """Return the view that fits: a table on a terminal if the extra ``tui`` is installed."""
    if as_json:
        return JsonLines()
    if sys.stdout.isatty():
        try:
            return Table()
        except ImportError:
            pass
    return Lines()
