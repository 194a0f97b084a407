"""From what a backend said went wrong to the exception that its caller gets, and back."""

from __future__ import annotations

import os
import traceback
from typing import Any

import bridgekit
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
_LONGEST_MESSAGE = 64 * 1024
_OURS = os.path.dirname(os.path.abspath(bridgekit.__file__)) + os.sep


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
    code, data = _attribute(error, "code"), _attribute(error, "data")
    if code is None:
        for name, kind in _NAMED.items():
            if isinstance(name, str) and isinstance(error, kind):
                code = name
                break
    return Failure(request_id, _message(error), code, data, type(error).__name__, _traceback(error))


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # of the author's own making
        return None


def _message(error: BaseException) -> str:
    try:
        text = error.message if isinstance(error, CallError) else str(error)
    except Exception:
        text = f"<the text of {type(error).__name__} could not be made>"
    if len(text) <= _LONGEST_MESSAGE:
        return text
    return f"{text[:_LONGEST_MESSAGE]}... ({len(text)} characters in all)"


def _traceback(error: BaseException) -> str:
    """The traceback from the host's own function on, without the frames that called it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    try:
        lines = traceback.format_exception(type(error), error, trace)
    except Exception:  # it raises when it is looked at
        lines = traceback.format_tb(trace)
    return "".join(lines)[-_LONGEST_TRACEBACK:]
