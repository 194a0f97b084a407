"""The window of recent durations."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from bridgekit.policy.latency import KEPT, Latency, LatencyWindow


def test_no_calls_no_figures() -> None:
    assert LatencyWindow().summary() == Latency(0.0, 0.0, 0.0, 0.0)


def test_percentiles_are_values_that_were_seen() -> None:
    window = LatencyWindow()
    for number in range(1, 101):
        window.record(number / 100)
    assert window.summary() == Latency(0.5, 0.9, 0.99, 1.0)
    assert len(window) == 100


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_percentiles_are_in_order(values: list[float]) -> None:
    window = LatencyWindow()
    for value in values:
        window.record(value)
    figures = window.summary()
    assert list(figures) == sorted(figures)
    assert figures.max == max(values)
    assert figures.p50 == statistics.median_low(values)


def test_old_calls_are_forgotten() -> None:
    window = LatencyWindow(kept=3)
    for value in (9.0, 1.0, 2.0, 3.0):
        window.record(value)
    assert window.summary().max == 3.0
    assert KEPT == 1000
