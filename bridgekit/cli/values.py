"""Parameters as a person types them in a shell, and results as a person reads them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from bridgekit.cli.exits import UsageError

__all__ = ["for_people", "for_programs", "read_params"]


def read_params(words: Sequence[str]) -> dict[str, Any] | list[Any] | None:
    """Return the parameters that ``words`` mean.

    One JSON object or array, or any number of ``key=value``, where a value that is not JSON is
    taken as text: ``a=1`` is a number, ``name=Ada`` and ``name='"1"'`` are text.
    Raises UsageError for anything else.
    """
    if not words:
        return None
    if len(words) == 1 and words[0].lstrip()[:1] in ("{", "["):
        try:
            params: dict[str, Any] | list[Any] = json.loads(words[0])
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the parameters are not JSON: {error}") from None
        return params
    named: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UsageError(
                f"{word!r} is not a parameter; write key=value, or one JSON object or array"
            )
        if key in named:
            raise UsageError(f"the parameter {key!r} is given twice")
        try:
            named[key] = _value(text)
        except RecursionError as error:
            raise UsageError(f"the parameter {key!r} cannot be read: {error}") from None
    return named


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_text)
    except ValueError:
        return text


def _text(constant: str) -> str:
    """``NaN`` and its like are not JSON: what was typed stays text."""
    return constant


def for_people(value: Any) -> str:
    """Return ``value`` for reading: text as it is, anything else as indented JSON."""
    if isinstance(value, bytes):
        value = _base64(value)
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=_base64)


def for_programs(value: Any) -> str:
    """Return ``value`` as one line of JSON."""
    return json.dumps(value, separators=(",", ":"), default=_base64)


def _base64(value: bytes) -> str:
    """Bytes, which a ``msgpack`` wire knows, are shown as they come on a wire of JSON."""
    return base64.b64encode(value).decode()
