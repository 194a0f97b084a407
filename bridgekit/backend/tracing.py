"""The backend's part of a trace, through ``opentelemetry-api`` where a method asks for it."""

from __future__ import annotations

from contextlib import contextmanager

from bridgekit.backend.call import current_call
from bridgekit.errors import BridgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Optional

__all__ = ["call_span"]


@contextmanager
def call_span(name: Optional[str] = None) -> Iterator[Any]:
    """Make a span of the current call, below the one that the host has made of it.

    ``with call_span() as span`` inside a method, ``async def`` too. ``name`` is the method's by
    default. Outside of a call, or for a host that sends no trace context, the span has no
    parent. An exception that passes is recorded. Raises BridgeError, naming interpreter and
    remedy, where opentelemetry-api is not installed.
    """
    try:
        from opentelemetry import propagate, trace
    except ImportError:
        import sys

        from bridgekit.wire.missing import missing_package

        needed = missing_package("opentelemetry-api", sys.executable)
        raise BridgeError(f"call_span needs {needed}") from None
    call = current_call()
    with trace.get_tracer("bridgekit").start_as_current_span(
        name or call.method or "bridgekit",
        context=propagate.extract(call.headers),
        kind=trace.SpanKind.SERVER,
        attributes={"rpc.system": "bridgekit", "rpc.method": call.method},
    ) as span:
        yield span
