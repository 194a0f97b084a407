"""Frozen snapshots of a backend, for people, tables and tests."""

from __future__ import annotations

import attrs

from bridgekit.policy.latency import NO_CALLS, Latency

__all__ = ["BackendStatus", "LastExit"]


@attrs.frozen
class LastExit:
    """How a process ended: ``code`` (negative: a signal's number, None: unknown) and in words."""

    code: int | None
    signal: str | None
    description: str


@attrs.frozen(kw_only=True)
class BackendStatus:
    """One backend, or one of its workers, at one moment.

    ``state`` is one of :data:`bridgekit.policy.lifecycle.STATES`. ``worker`` is the number of
    the worker, None for the whole backend, which shows its most able worker's state, the pid
    and uptime of its first process, and sums. ``uptime`` is in seconds and stops with the
    process. ``queued`` calls wait for a worker. ``calls`` counts the calls that ended,
    ``failed_calls`` those among them that ended in an error, ``late_replies`` answers to calls
    that nobody waited for any more, ``dropped_events`` events that a full subscription could
    not take, ``malformed_frames`` what arrived and was no message. ``latency`` is that of
    recent calls, of the whole backend only, from their beginning in the host, with the time that
    they waited. ``memory`` is in bytes, ``cpu`` in seconds of processor time (None: not
    known). ``plain`` tells that the backend knows the plain frames only. What the backend said of
    itself last (``methods``, ``python_version``, ``executable``) stays while it has no process.
    """

    name: str
    state: str
    pid: int | None
    uptime: float
    worker: int | None = None
    in_flight: int = 0
    queued: int = 0
    calls: int = 0
    failed_calls: int = 0
    late_replies: int = 0
    dropped_events: int = 0
    malformed_frames: int = 0
    latency: Latency = NO_CALLS
    memory: int | None = None
    cpu: float | None = None
    plain: bool = False
    methods: tuple[str, ...] = ()
    python_version: str | None = None
    executable: str | None = None
    executable_exists: bool | None = None
    restarts: int = 0
    last_exit: LastExit | None = None
