"""How long the recent calls took: the last thousand durations, sorted only when somebody asks.

A ring of exact values beats a histogram here: keeping one costs a tenth of a microsecond on the
path of every call (finding a logarithmic bucket costs four), the figures follow the present, and
a thousand floats take 32 KiB at most, nothing while a backend is idle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from typing import NamedTuple

__all__ = ["KEPT", "NO_CALLS", "Latency", "LatencyWindow"]

KEPT = 1000
"""Durations that are remembered."""


class Latency(NamedTuple):
    """Percentiles of the duration of recent calls, in seconds (0.0: no calls yet)."""

    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    max: float = 0.0


NO_CALLS = Latency()


class LatencyWindow:
    """The durations of the last calls. ``record(seconds)`` is on the path of every call."""

    __slots__ = ("_recent", "record")

    def __init__(self, kept: int = KEPT) -> None:
        self._recent: deque[float] = deque(maxlen=kept)
        self.record: Callable[[float], None] = self._recent.append

    def __len__(self) -> int:
        return len(self._recent)

    def summary(self) -> Latency:
        """Return the percentiles that a status shows; some 50 us."""
        recent = sorted(self._recent)
        if not recent:
            return NO_CALLS
        return Latency(
            _nearest(recent, 0.5), _nearest(recent, 0.9), _nearest(recent, 0.99), recent[-1]
        )


def _nearest(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted ``values`` that at least ``share`` of them do not exceed."""
    return values[max(0, ceil(share * len(values)) - 1)]
