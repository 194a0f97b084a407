"""A trace goes from the host through the wire into the backend."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridgekit import BridgeError, CallTimeout, ProcessManager, RemoteError
from bridgekit.instruments.otel import Traces
from bridgekit.policy.lifecycle import StateChange
from tests.host.support import DEADLINE

sdk = pytest.importorskip("opentelemetry.sdk.trace")
from opentelemetry import trace  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402
    InMemorySpanExporter,
)

BACKEND = """
import asyncio, time
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry import trace
from bridgekit import PythonBridge
from bridgekit.backend.tracing import call_span

trace.set_tracer_provider(TracerProvider())

def seen(span):
    context = span.get_span_context()
    parent = span.parent
    return [span.name, format(context.trace_id, "032x"), parent and format(parent.span_id, "016x")]

class Traced(PythonBridge):
    def plain(self):
        with call_span() as span:
            return seen(span)
    async def later(self):
        with call_span("own") as span:
            await asyncio.sleep(0)
            return seen(span)
    def rows(self):
        with call_span() as span:
            yield seen(span)
    def fail(self):
        raise KeyError("on purpose")
    def sleep(self, seconds):
        time.sleep(seconds)

if __name__ == "__main__":
    Traced().run()
"""


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> sdk.TracerProvider:
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "traced.py"
    path.write_text(BACKEND)
    return path


async def test_the_backends_span_is_below_the_hosts(
    anyio_backend: str, provider: sdk.TracerProvider, spans: InMemorySpanExporter, script: Path
) -> None:
    tracer = provider.get_tracer("test")
    async with ProcessManager(instruments=[Traces(provider)], call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(script)
        with tracer.start_as_current_span("request") as request:
            found = [
                await backend.call("plain"),
                await backend.call("later"),
                *[row async for row in backend.stream("rows")],
                *await backend.call_many("plain", [None]),
            ]
    calls = [span for span in spans.get_finished_spans() if span.name != "request"]
    assert [span.name for span in calls] == [
        "traced/plain",
        "traced/later",
        "traced/rows",
        "traced/plain",
    ]
    assert [name for name, _, _ in found] == ["plain", "own", "rows", "plain"]
    for span, (_, trace_id, parent) in zip(calls, found, strict=True):
        context = span.get_span_context()
        assert context is not None
        assert trace_id == format(context.trace_id, "032x")
        assert parent == format(context.span_id, "016x")
        assert span.parent is not None
        assert span.parent.span_id == request.get_span_context().span_id
        assert span.kind is trace.SpanKind.CLIENT
    assert dict(calls[3].attributes or {}) == {
        "rpc.system": "bridgekit",
        "rpc.service": "traced",
        "rpc.method": "plain",
        "bridgekit.items": 1,
    }


async def test_errors_are_told(
    anyio_backend: str, provider: sdk.TracerProvider, spans: InMemorySpanExporter, script: Path
) -> None:
    async with ProcessManager(instruments=[Traces(provider)], call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(script)
        with pytest.raises(RemoteError):
            await backend.call("fail")
        with pytest.raises(CallTimeout):
            await backend.call("sleep", [60], timeout=0.05)
    failed, late = spans.get_finished_spans()
    assert failed.status.status_code is late.status.status_code is trace.StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "KeyError"
    assert (late.attributes or {})["error.type"] == "CallTimeout"
    assert late.status.description == "timeout"
    assert [event.name for event in failed.events] == ["exception"]


def test_a_worker_that_changes_is_an_event_of_the_current_span(
    provider: sdk.TracerProvider, spans: InMemorySpanExporter
) -> None:
    with provider.get_tracer("test").start_as_current_span("request"):
        change = StateChange("shop", 1, "busy", "failed", "killed by SIGKILL", 0.0)
        Traces(provider).worker_changed(change)
    (span,) = spans.get_finished_spans()
    (event,) = span.events
    assert event.name == "worker failed"
    assert (event.attributes or {})["bridgekit.reason"] == "killed by SIGKILL"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(BridgeError, match=r"opentelemetry-api.*bridgekit-ipc\[otel\]"):
        Traces()
