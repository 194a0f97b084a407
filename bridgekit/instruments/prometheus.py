"""Metrics for Prometheus, through ``prometheus-client``. The extra is ``metrics``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridgekit.errors import BridgeError
from bridgekit.host.instruments import Instrument, ObservedCall
from bridgekit.instruments.outcomes import outcome_of
from bridgekit.policy.lifecycle import StateChange
from bridgekit.wire.missing import missing_package

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["BUCKETS", "Metrics"]

BUCKETS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
"""Upper bounds of the histogram of call durations, in seconds."""

_MOST_METHODS = 500
_OTHER = "(other)"
_ALIVE = frozenset({"ready", "busy", "paused", "stopping", "starting"})


class Metrics(Instrument):
    """Counts calls and workers: ``ProcessManager(instruments=[Metrics()])``.

    ``registry`` is the one that is exposed, by default prometheus-client's own. ``prefix`` begins
    every name: ``<prefix>_calls_total`` (by backend, method and outcome), ``<prefix>_call_seconds``
    (a histogram by backend and method, with ``buckets`` as bounds), ``<prefix>_calls_in_flight``,
    ``<prefix>_workers_ready``, ``<prefix>_worker_starts_total`` and ``<prefix>_worker_exits_total``
    (by backend, and by the state that followed: ``stopped``, ``failed``, ``backing-off``, ...).

    Several managers may share one object; a second object in one registry is a ValueError. Of
    methods, the first 500 names are told apart. Raises BridgeError without prometheus-client.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        prefix: str = "bridgekit",
        buckets: Sequence[float] = BUCKETS,
    ) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge, Histogram
        except ImportError:
            needed = missing_package("prometheus_client", sys.executable)
            raise BridgeError(f"Metrics needs {needed} (bridgekit-ipc[metrics])") from None
        where = REGISTRY if registry is None else registry
        by_call, by_backend = ("backend", "method"), ("backend",)
        self._calls = Counter(
            f"{prefix}_calls", "Calls that ended.", (*by_call, "outcome"), registry=where
        )
        self._seconds = Histogram(
            f"{prefix}_call_seconds",
            "Seconds from call to outcome, waiting included.",
            by_call,
            buckets=buckets,
            registry=where,
        )
        self._in_flight = Gauge(
            f"{prefix}_calls_in_flight", "Calls without outcome yet.", by_backend, registry=where
        )
        self._ready = Gauge(
            f"{prefix}_workers_ready", "Processes that take calls.", by_backend, registry=where
        )
        self._starts = Counter(
            f"{prefix}_worker_starts", "Processes that became ready.", by_backend, registry=where
        )
        self._exits = Counter(
            f"{prefix}_worker_exits",
            "Processes that were ready and ended.",
            (*by_backend, "state"),
            registry=where,
        )
        self._methods: set[str] = set()
        self._up: set[tuple[str, int]] = set()

    def call_started(self, call: ObservedCall) -> None:
        self._in_flight.labels(call.backend).inc()

    def call_ended(self, call: ObservedCall) -> None:
        method = self._method(call.method)
        self._in_flight.labels(call.backend).dec()
        self._calls.labels(call.backend, method, outcome_of(call.error)).inc(call.items)
        self._seconds.labels(call.backend, method).observe(call.seconds)

    def worker_changed(self, change: StateChange) -> None:
        worker = (change.backend, change.worker)
        if change.new == "ready" and worker not in self._up:
            self._up.add(worker)
            self._starts.labels(change.backend).inc()
            self._ready.labels(change.backend).inc()
        elif change.new not in _ALIVE and worker in self._up:
            self._up.discard(worker)
            self._exits.labels(change.backend, change.new).inc()
            self._ready.labels(change.backend).dec()

    def _method(self, name: str) -> str:
        """Each name is a time series for ever, and callers may call what they like."""
        if name not in self._methods:
            if len(self._methods) >= _MOST_METHODS:
                return _OTHER
            self._methods.add(name)
        return name
