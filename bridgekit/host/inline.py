"""What ``execute`` sends: code as text, parameters as values, never one inside the other."""

from __future__ import annotations

import keyword
import os
from collections.abc import Mapping
from typing import Any

import bridgekit
from bridgekit.errors import BackendStartError, CallTimeout

__all__ = ["INLINE", "code_overdue", "inline_call", "inline_options", "start_overdue"]

INLINE = (
    os.path.join(os.path.dirname(os.path.abspath(bridgekit.__file__)), "backend", "inline.py")
    + ":InlineBridge"
)
"""The backend that runs the code: part of what a host lends to a child's interpreter."""


def inline_call(code: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of the inline backend's ``execute``.

    Raises TypeError when ``code`` is no text or ``params`` no mapping, and ValueError for a name that is no identifier.
    """
    if not isinstance(code, str):
        raise TypeError(f"code must be text, not {type(code).__name__}")
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(
            f"params must be a mapping (the names of variables) or None, not {params!r:.80}"
        )
    values = dict(params or {})
    for name in values:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"{name!r} cannot be the name of a parameter: it is no identifier")
    return {"code": code, "params": values}


def inline_options(
    options: Mapping[str, Any], seconds: float | None, start_timeout: Any
) -> dict[str, Any]:
    """Return the spec's fields for code that may take ``seconds``, the start included."""
    if seconds is None:
        return {"name": "execute", **options}
    start: Any = min(options.get("start_timeout", start_timeout), max(seconds, 0.001))
    return {"name": "execute", **options, "start_timeout": start}


def code_overdue(seconds: float | None, backend: str) -> CallTimeout:
    """Return the error for code whose time was over."""
    return CallTimeout(
        f"the code did not end within {seconds:g} s and was stopped",
        timeout=seconds,
        method="execute",
        backend=backend,
    )


def start_overdue(
    error: BackendStartError, seconds: float | None, left: float
) -> CallTimeout | None:
    """Return the error for code whose time was over before its process had started.

    ``left`` is what remains of its ``seconds``; None: the start failed for another reason, or
    took longer than its own ``start_timeout``, which ``error`` says better.
    """
    if seconds is None or left > 0 or not error.timed_out:
        return None
    return CallTimeout(
        f"the code did not begin within {seconds:g} s: its time ended while the process was starting",
        timeout=seconds,
        method="execute",
        backend=error.backend,
    )
