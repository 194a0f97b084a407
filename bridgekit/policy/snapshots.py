"""What a supervisor knows, as frozen statuses; the driver adds what only it can see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridgekit.policy.lifecycle import overall
from bridgekit.policy.pooling import Worker
from bridgekit.policy.restart import Death
from bridgekit.policy.seats import Seat
from bridgekit.policy.status import BackendStatus, LastExit
from bridgekit.policy.supervision import Supervisor

__all__ = ["backend_status", "worker_statuses"]

_SUMS = (
    "calls",
    "failed_calls",
    "late_replies",
    "dropped_events",
    "malformed_frames",
    "memory",
    "cpu",
)
_OF_THE_FIRST = (
    "pid",
    "uptime",
    "plain",
    "methods",
    "python_version",
    "executable",
    "executable_exists",
)


def worker_statuses(
    supervisor: Supervisor, now: float, facts: Callable[[Worker], dict[str, Any]]
) -> tuple[BackendStatus, ...]:
    """Return one status for each worker, in the order of their numbers.

    ``facts`` gives further fields of :class:`BackendStatus` for a worker that has a process:
    its counters, memory, methods and the like.
    """
    seats = sorted(supervisor.seats.items())
    return tuple(_worker_status(supervisor, seat, now, facts) for _, seat in seats)


def backend_status(
    supervisor: Supervisor, now: float, facts: Callable[[Worker], dict[str, Any]], **own: Any
) -> BackendStatus:
    """Return one status for the whole backend.

    ``own`` are fields that the driver knows of the backend itself; its counters go on where
    those of processes that are gone have ended.
    """
    workers = worker_statuses(supervisor, now, facts)
    first = next((one for one in workers if one.pid is not None), None)
    fields: dict[str, Any] = {}
    if first is not None:
        for name in _OF_THE_FIRST:
            fields[name] = getattr(first, name)
    for name in _SUMS:
        known = [value for one in workers if (value := getattr(one, name)) is not None]
        fields[name] = sum(known) + own.pop(name, 0) if known else own.pop(name, None)
    state = overall({seat.shown for seat in supervisor.seats.values()})
    if state == "idle" and supervisor.paused:
        state = "paused"  # the next call starts nothing
    return BackendStatus(
        **{
            "name": supervisor.name,
            "state": state,
            "pid": None,
            "uptime": 0.0,
            "in_flight": sum(one.in_flight for one in workers),
            "queued": len(supervisor.pool.queue),
            "latency": supervisor.latency.summary(),
            "restarts": supervisor.restarts,
            "last_exit": _last_exit(supervisor.last_death),
            **{name: value for name, value in fields.items() if value is not None},
            **own,
        }
    )


def _worker_status(
    supervisor: Supervisor, seat: Seat, now: float, facts: Callable[[Worker], dict[str, Any]]
) -> BackendStatus:
    worker, death = seat.worker, seat.last_death
    fields: dict[str, Any] = {
        "name": supervisor.name,
        "state": seat.shown,
        "pid": None,
        "uptime": 0.0 if death is None else death.age,
        "worker": seat.number,
        "restarts": seat.restarts,
        "last_exit": _last_exit(death),
    }
    if worker is not None:
        fields |= {
            "pid": worker.pid,
            "uptime": max(0.0, now - worker.spawned),
            "in_flight": worker.in_flight,
            "calls": worker.served,
        }
        fields |= facts(worker)
    return BackendStatus(**fields)


def _last_exit(death: Death | None) -> LastExit | None:
    return None if death is None else LastExit(death.code, death.signal, death.reason)
