"""JSON-RPC error objects: which number stands for which reason, and what ``data`` carries."""

from __future__ import annotations

from bridgekit.wire.dialect._vocabulary import show
from bridgekit.wire.messages import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NUMBERS", "WIRE_CODES", "failure_from", "failure_to"]

NUMBERS = {
    "decode_error": -32700,
    "invalid_request": -32600,
    "method_not_found": -32601,
    "invalid_params": -32602,
    "internal": -32603,
    "cancelled": -32800,
    "frame_too_large": -32010,
    "unserialisable": -32011,
    "shutting_down": -32012,
    "version_mismatch": -32013,
    "queue_full": -32014,
    "too_deep": -32600,
    "truncated": -32700,
    "stray_output": -32700,
}
"""The native reasons. Reasons that share a number also say their name in ``data``."""

WIRE_CODES = frozenset(
    ("decode_error", "invalid_request", "frame_too_large", "too_deep", "truncated", "stray_output")
)
"""Reasons that concern a frame and not a call: these are told even where no id is known."""

_REASONS = {
    NUMBERS[reason]: reason
    for reason in NUMBERS
    if reason not in ("internal", "too_deep", "truncated", "stray_output")
}
_RAISED = NUMBERS["internal"]
_AUTHORS = -32000
_FIELDS = frozenset(("type", "traceback", "data", "code"))


def failure_to(failure: Failure) -> dict[str, Any]:
    """Return the error object that means ``failure``."""
    code = failure.code
    if code is None:
        number = _RAISED
    elif type(code) is int:
        number = code
    else:
        number = NUMBERS.get(code, _AUTHORS) if type(code) is str else _AUTHORS
    data = {
        name: value
        for name, value in (
            ("type", failure.type),
            ("traceback", failure.traceback),
            ("data", failure.data),
            ("code", code if _code_of(number) != code else None),
        )
        if value is not None
    }
    error = {"code": number, "message": failure.error}
    if data:
        error["data"] = data
    return error


def failure_from(call_id: Any, error: Any) -> Failure:
    """Return what an error object means; one that is no object still ends its call."""
    if type(error) is not dict:
        return Failure(call_id, error if type(error) is str else show(error))
    message, data = error.get("message"), error.get("data")
    text = message if type(message) is str else show(error)
    code = _code_of(error.get("code"))
    if type(data) is not dict or not data or not _FIELDS.issuperset(data):
        return Failure(call_id, text, code, data)
    kind, traceback = data.get("type"), data.get("traceback")
    return Failure(
        call_id,
        text,
        data.get("code", code),
        data.get("data"),
        kind if type(kind) is str else None,
        traceback if type(traceback) is str else None,
    )


def _code_of(number: Any) -> Any:
    if type(number) is int:
        return None if number == _RAISED else _REASONS.get(number, number)
    return number
