"""From what a backend said went wrong to the exception that its caller gets, and back."""

from __future__ import annotations

import traceback
from typing import Any

from bridgekit.errors import (
    CallCancelled,
    CallError,
    FrameTooLarge,
    InvalidParams,
    MethodNotFound,
    QueueFull,
    RemoteError,
)
from bridgekit.host.redaction import hide
from bridgekit.wire.messages import Failure

__all__ = ["error_of", "failure_of"]

_NAMED: dict[Any, type[CallError]] = {
    "method_not_found": MethodNotFound,
    "invalid_params": InvalidParams,
    "cancelled": CallCancelled,
    "queue_full": QueueFull,
    -32601: MethodNotFound,
    -32602: InvalidParams,
    -32800: CallCancelled,
}
_LONGEST_TRACEBACK = 64 * 1024


def error_of(failure: Failure, method: str, call_id: Any, backend: str) -> Exception:
    """Return the exception that says what ``failure`` says about the call."""
    code, message = failure.code, hide(failure.error)
    if failure.type is None or code in ("method_not_found", "invalid_params", "cancelled"):
        kind = _NAMED.get(code) if isinstance(code, str | int) else None
        if kind is not None:
            return kind(
                message,
                method=method,
                call_id=call_id,
                backend=backend,
                code=code,
                data=failure.data,
            )
        if code == "frame_too_large":
            return FrameTooLarge(f"the result of {method!r} did not fit: {message}")
    return RemoteError(
        message,
        type=failure.type,
        traceback=None if failure.traceback is None else hide(failure.traceback),
        method=method,
        call_id=call_id,
        backend=backend,
        code=code,
        data=failure.data,
    )


def failure_of(request_id: Any, error: BaseException) -> Failure:
    """Return what a backend is told when the host's own function raised ``error``."""
    code = getattr(error, "code", None)
    data = getattr(error, "data", None)
    if code is None:
        for name, kind in _NAMED.items():
            if isinstance(name, str) and isinstance(error, kind):
                code = name
                break
    text = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
    message = error.message if isinstance(error, CallError) else str(error)
    return Failure(request_id, message, code, data, type(error).__name__, text)
