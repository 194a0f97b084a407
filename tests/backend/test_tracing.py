"""The backend's span; that it hangs below the host's is seen in tests/instruments/test_otel.py."""

from __future__ import annotations

import sys

import pytest

from bridgekit import BridgeError
from bridgekit.backend.tracing import call_span

pytest.importorskip("opentelemetry")


def test_outside_of_a_call_it_has_no_parent() -> None:
    with call_span() as span:
        assert not span.get_span_context().is_remote
        assert getattr(span, "parent", None) is None


def test_what_is_raised_inside_passes() -> None:
    with pytest.raises(KeyError), call_span("own"):
        raise KeyError("x")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(BridgeError, match=f"call_span needs .*which {sys.executable}"), call_span():
        pass
