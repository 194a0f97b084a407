"""A coverage plugin that measures threads started without :mod:`threading`.

Coverage reaches new threads through ``threading.settrace``, which threads of the low-level
``_thread`` module never see. A backend uses those, because importing ``threading`` would cost
every child its start-up time; without this plugin their lines would count as never run.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any


def coverage_init(_registry: object, _options: Mapping[str, Any]) -> None:
    """Called by coverage in every measured process, before it starts to measure."""
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
