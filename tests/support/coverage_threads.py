"""A coverage plugin for backends: it measures their threads, and survives their interrupts.

Coverage reaches new threads through ``threading.settrace``, which threads of the low-level
``_thread`` module never see. A backend uses those, because importing ``threading`` would cost
every child its start-up time; without this plugin their lines would count as never run.

An interrupt that a backend raises in a running method may come while coverage looks at a new
line, which then never gives its lock back: the process would stand still from there on. Here
such a lock is passed over after a moment.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from coverage.collector import Collector

_MOMENT = 0.2
"""Seconds after which a lock of coverage's was left behind; it is only ever held for an instant."""


def _lock_data(collector: Collector) -> None:
    if collector.data_lock is not None:
        collector.data_lock.acquire(timeout=_MOMENT)


def _unlock_data(collector: Collector) -> None:
    if collector.data_lock is not None and collector.data_lock.locked():
        collector.data_lock.release()


def coverage_init(_registry: object, _options: Mapping[str, Any]) -> None:
    """Called by coverage in every measured process, before it starts to measure."""
    Collector.lock_data = _lock_data  # type: ignore[method-assign]
    Collector.unlock_data = _unlock_data  # type: ignore[method-assign]
    start = _thread.start_new_thread
    if getattr(start, "measured", False):
        return

    def start_measured(
        function: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] | None = None,
    ) -> int:
        def run() -> None:
            sys.settrace(threading.gettrace())
            function(*args, **(kwargs or {}))

        return start(run, ())

    start_measured.measured = True  # type: ignore[attr-defined]
    _thread.start_new_thread = start_measured
    _thread.start_new = start_measured
