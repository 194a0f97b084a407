"""What ``execute`` sends: code as text, parameters as values, never one inside the other."""

from __future__ import annotations

import keyword
import os
from collections.abc import Mapping
from typing import Any

import bridgekit

__all__ = ["INLINE", "inline_call"]

INLINE = (
    os.path.join(os.path.dirname(os.path.abspath(bridgekit.__file__)), "backend", "inline.py")
    + ":InlineBridge"
)
"""The backend that runs the code: part of what a host lends to a child's interpreter."""


def inline_call(code: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of the inline backend's ``execute``.

    Raises TypeError when ``code`` is no text and ValueError for a name that is no identifier.
    """
    if not isinstance(code, str):
        raise TypeError(f"code must be text, not {type(code).__name__}")
    values = dict(params or {})
    for name in values:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"{name!r} cannot be the name of a parameter: it is no identifier")
    return {"code": code, "params": values}
