"""What Prometheus is told."""

from __future__ import annotations

import sys

import pytest

from bridgekit import BridgeError, CallTimeout, RemoteError
from bridgekit.blocking import ProcessManager
from bridgekit.host.instruments import Instruments
from bridgekit.instruments import prometheus
from bridgekit.instruments.prometheus import Metrics
from bridgekit.policy.lifecycle import StateChange
from tests.host.support import DEADLINE
from tests.host.test_observed import BACKEND

client = pytest.importorskip("prometheus_client")


@pytest.fixture
def registry():
    return client.CollectorRegistry()


def test_calls_and_workers_of_a_real_backend(registry) -> None:
    def value(name: str, **labels: str) -> float | None:
        found: float | None = registry.get_sample_value(
            f"bridgekit_{name}", {"backend": "shop", **labels}
        )
        return found

    with ProcessManager(instruments=[Metrics(registry)], call_timeout=DEADLINE) as manager:
        backend = manager.spawn(BACKEND, name="shop")
        backend.call("headers")
        backend.call_many("headers", [{}, {}])
        with pytest.raises(RemoteError):
            backend.call("fail")
        with pytest.raises(CallTimeout):
            backend.call("sleep", [60], timeout=0.05)
        assert value("calls_total", method="headers", outcome="ok") == 3
        assert value("calls_total", method="fail", outcome="remote-error") == 1
        assert value("calls_total", method="sleep", outcome="timeout") == 1
        assert value("call_seconds_count", method="headers") == 2
        assert 0.05 <= (value("call_seconds_sum", method="sleep") or 0) < DEADLINE
        assert value("calls_in_flight") == 0
        assert value("workers_ready") == 1
    assert value("workers_ready") == 0
    assert value("worker_starts_total") == 1
    assert value("worker_exits_total", state="stopped") == 1


def test_a_worker_counts_once_however_it_goes_on(registry) -> None:
    metrics = Metrics(registry, prefix="app", buckets=(1.0,))
    steps = ["starting", "ready", "paused", "ready", "stopping", "starting", "ready", "backing-off"]
    for old, new in zip(["stopped", *steps], steps, strict=False):
        metrics.worker_changed(StateChange("shop", 0, old, new, "", 0.0))  # type: ignore[arg-type]
    labels = {"backend": "shop"}
    assert registry.get_sample_value("app_worker_starts_total", labels) == 1
    assert registry.get_sample_value("app_workers_ready", labels) == 0
    ended = {**labels, "state": "backing-off"}
    assert registry.get_sample_value("app_worker_exits_total", ended) == 1


def test_methods_are_few(registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "_MOST_METHODS", 2)
    instruments = Instruments([Metrics(registry)])
    for method in ("a", "b", "c", "d", "a"):
        instruments.call("shop", method, "call").end()
    labels = {"backend": "shop", "outcome": "ok"}
    for method, count in (("a", 2), ("b", 1), ("(other)", 2), ("c", None)):
        labels["method"] = method
        assert registry.get_sample_value("bridgekit_calls_total", labels) == count


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(BridgeError, match=rf"{sys.executable}.*bridgekit-ipc\[metrics\]"):
        Metrics()


def test_by_default_the_registry_is_the_one_of_the_process() -> None:
    metrics = Metrics(prefix="once")
    try:
        assert "once_calls" in client.generate_latest().decode()
        with pytest.raises(ValueError, match="Duplicated"):
            Metrics(prefix="once")
    finally:
        for collector in vars(metrics).values():
            if hasattr(collector, "collect"):
                client.REGISTRY.unregister(collector)
