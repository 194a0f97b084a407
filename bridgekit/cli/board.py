"""Backends as rows of a table: the same for the live table, for ``ps`` and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridgekit.host.handle import Backend
from bridgekit.policy.status import BackendStatus

__all__ = ["COLUMNS", "describe", "plain", "rows"]

COLUMNS = (
    "BACKEND", "STATE", "PID", "UPTIME", "RESTARTS", "CALLS", "QUEUED", "MEMORY", "CPU",
    "LAST EXIT",
)  # fmt: skip

_FACTS = (
    "state", "pid", "uptime", "restarts", "in_flight", "queued", "calls", "failed_calls",
    "memory", "cpu", "python_version", "executable", "executable_exists",
)  # fmt: skip


def describe(backends: Iterable[Backend]) -> list[dict[str, Any]]:
    """Return plain data about each of the backends and its workers, ready for JSON."""
    return [
        {
            "name": backend.name,
            **_facts(backend.status),
            "workers": [{"worker": status.worker, **_facts(status)} for status in backend.statuses],
        }
        for backend in backends
    ]


def _facts(status: BackendStatus) -> dict[str, Any]:
    facts = {name: getattr(status, name) for name in _FACTS}
    return facts | {"last_exit": status.last_exit and status.last_exit.description}


def rows(described: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells of a row for each worker of what :func:`describe` returned."""
    found = []
    for backend in described:
        workers = backend["workers"]
        for worker in workers:
            name = backend["name"] if len(workers) == 1 else f"{backend['name']}/{worker['worker']}"
            # Calls wait for the backend, not for one of its workers.
            queued = backend["queued"] if worker is workers[0] else None
            up = worker["pid"] is not None
            cells = (
                name,
                worker["state"],
                worker["pid"],
                _duration(worker["uptime"]) if up else None,
                worker["restarts"],
                worker["calls"],
                queued,
                None if worker["memory"] is None else f"{worker['memory'] / 2**20:.1f} MiB",
                None if worker["cpu"] is None else f"{worker['cpu']:.1f} s",
                " ".join((worker["last_exit"] or "").split()),
            )
            found.append(tuple("-" if cell is None else str(cell) for cell in cells))
    return found


def _duration(seconds: float) -> str:
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {left:02}s" if minutes else f"{left}s"


def plain(cells: Sequence[Sequence[str]]) -> str:
    """Return a table in plain text, with its head."""
    table = [COLUMNS, *cells]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(line.rstrip())
    return "\n".join(lines)
