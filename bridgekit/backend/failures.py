"""Turns what a method raised into what its caller is told. Loaded with the first error.

The traceback is the author's: bridgekit's own frames are left out, of chained exceptions too.
"""

from __future__ import annotations

import os
import sys

from bridgekit.backend.settling import attribute, plain_text, type_name
from bridgekit.errors import (
    BridgeError,
    CallCancelled,
    CallError,
    Cancelled,
    EncodeError,
    FrameTooLarge,
    InvalidParams,
    MethodNotFound,
    QueueFull,
)
from bridgekit.wire.messages import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["failure_fields", "failure_of", "format_traceback", "unknown_method"]

_ROOM = os.path.dirname(os.path.abspath(__file__))
_OURS = (_ROOM + os.sep, os.path.join(os.path.dirname(_ROOM), "wire") + os.sep)
_MOST_TEXT = 64 * 1024
_MOST_FRAMES = 200

_CODES = (
    (InvalidParams, "invalid_params"),
    (MethodNotFound, "method_not_found"),
    (CallCancelled, "cancelled"),
    (Cancelled, "cancelled"),
    (QueueFull, "queue_full"),
    (FrameTooLarge, "frame_too_large"),
    (EncodeError, "unserialisable"),
)


def failure_of(call_id: Any, error: BaseException) -> Failure:
    """Return the failure that tells a caller about ``error``."""
    code = None if isinstance(error, SystemExit) else _plain_code(attribute(error, "code"))
    if code is None:
        code = next((text for kind, text in _CODES if isinstance(error, kind)), None)
    data = attribute(error, "data") if _authors(error) else None
    return Failure(
        call_id,
        _text(error),
        code=code,
        data=data,
        type=type_name(error),
        traceback=format_traceback(error) if _wants_traceback(error) else None,
    )


def failure_fields(failure: Failure) -> dict[str, Any]:
    """Return a failure as the plain object that stands for it inside a batch."""
    fields = {"error": failure.error}
    for name in ("traceback", "type", "code", "data"):
        value = getattr(failure, name)
        if value is not None:
            fields[name] = value
    return fields


def _plain_code(code: Any) -> Any:
    """Return a code as the text or number that it is, members of enums too; else None."""
    if isinstance(code, str):
        return _cut(str.__str__(code))
    if isinstance(code, int) and not isinstance(code, bool):
        return int.__int__(code)
    return float.__float__(code) if isinstance(code, float) else None


def _authors(error: BaseException) -> bool:
    """Whether ``data`` on the exception is meant for the caller, and not bytes of a parser."""
    return not isinstance(error, BridgeError) or isinstance(error, CallError)


def _wants_traceback(error: BaseException) -> bool:
    """Ours are about the call, not about the author's code."""
    if isinstance(error, (EncodeError, FrameTooLarge, Cancelled)):
        return False
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            return True
        trace = trace.tb_next
    return False


def _text(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the method called sys.exit({error.code!r}); a backend ends by shutdown()"
    text = plain_text(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        from bridgekit.wire.missing import missing_package

        text += ": the method needs " + missing_package(error.name, sys.executable)
    return _cut(text)


def _cut(text: str) -> str:
    if len(text) <= _MOST_TEXT:
        return text
    return f"{text[:_MOST_TEXT]}... ({len(text)} characters in all)"


def format_traceback(error: BaseException) -> str:
    """Return the traceback as Python prints it, without bridgekit's frames."""
    import traceback

    try:
        report = traceback.TracebackException.from_exception(error, limit=-_MOST_FRAMES)
        for each in _chain(report):
            kept = [line for line in each.stack if not line.filename.startswith(_OURS)]
            each.stack[:] = kept
        return _cut("".join(report.format()))
    except Cancelled:
        raise
    except BaseException:  # an exception that raises when it is looked at
        return f"Traceback (most recent call last):\n{type_name(error)}\n"


def _chain(report: Any) -> Iterable[Any]:
    """The report and every other one that hangs on it."""
    todo, seen = [report], set()
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        todo += [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]


def unknown_method(name: str, known: Iterable[str]) -> MethodNotFound:
    """Return the error for a name that is not in the table, with what may have been meant."""
    from bridgekit.backend.similar import hint

    names = sorted(known)
    meant = hint(name, names)
    shown = name if len(name) <= 100 else name[:100] + "..."
    text = f"there is no method {shown!r}"
    if meant:
        text += f"; {meant}"
    elif names:
        text += f"; there are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"
    return MethodNotFound(text, method=name, code="method_not_found")
