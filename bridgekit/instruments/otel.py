"""Traces for OpenTelemetry, through ``opentelemetry-api``. The extra is ``otel``.

Each call is a span of the host. Its context goes to the backend with the call, where
:func:`bridgekit.backend.tracing.call_span` makes the span that belongs below it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bridgekit.errors import BridgeError, RemoteError
from bridgekit.host.instruments import Instrument, ObservedCall
from bridgekit.instruments.outcomes import outcome_of
from bridgekit.policy.lifecycle import StateChange
from bridgekit.wire.missing import missing_package

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Traces"]


class Traces(Instrument):
    """Makes a span of every call: ``ProcessManager(instruments=[Traces()])``.

    A span is named ``backend/method`` and has the kind CLIENT; its parent is the span that is
    current where the call is made. Deaths and restarts of workers are events of the spans that
    are current then, if any. ``provider`` is the tracer provider to use, by default the global
    one. Raises BridgeError without opentelemetry-api.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        try:
            from opentelemetry import propagate, trace
        except ImportError:
            needed = missing_package("opentelemetry-api", sys.executable)
            raise BridgeError(f"Traces needs {needed} (bridgekit-ipc[otel])") from None
        self._trace = trace
        self._inject = propagate.inject
        self._tracer = trace.get_tracer("bridgekit", tracer_provider=provider)

    def call_started(self, call: ObservedCall) -> None:
        attributes: dict[str, str | int] = {
            "rpc.system": "bridgekit",
            "rpc.service": call.backend,
            "rpc.method": call.method,
        }
        if call.kind == "many":
            attributes["bridgekit.items"] = call.items
        span = self._tracer.start_span(
            f"{call.backend}/{call.method}",
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes,
        )
        call.notes[self] = span
        self._inject(call.headers, context=self._trace.set_span_in_context(span))

    def call_ended(self, call: ObservedCall) -> None:
        span = call.notes.pop(self, None)
        if span is None:
            return
        error = call.error
        if error is not None:
            span.set_attribute("error.type", _type_of(error))
            span.set_status(self._trace.StatusCode.ERROR, outcome_of(error))
            if isinstance(error, Exception):
                span.record_exception(error)
        span.end()

    def worker_changed(self, change: StateChange) -> None:
        self._trace.get_current_span().add_event(
            f"worker {change.new}",
            {
                "bridgekit.backend": change.backend,
                "bridgekit.worker": change.worker,
                "bridgekit.reason": change.reason,
            },
        )


def _type_of(error: BaseException) -> str:
    """The type that the method raised, where it did."""
    remote = error.type if isinstance(error, RemoteError) else None
    return remote or type(error).__qualname__
