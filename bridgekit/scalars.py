"""Single values that travel as text or as a number, made strictly into what they stand for.

The half of :mod:`bridgekit.data` that needs no cattrs: each hook takes what came and the type
that is asked for, and returns the value or raises :class:`Wrong`.
"""

from __future__ import annotations

import binascii
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum, Flag
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from bridgekit.wire.secrets import redacted

__all__ = ["HOOKS", "Wrong", "wrong"]


class Wrong(TypeError):
    """A complaint of ours, worded for people."""


def wrong(expected: str, value: Any, why: str = "") -> Wrong:
    """Return the complaint that ``value`` came where ``expected`` should."""
    shown = repr(redacted(value))
    shown = shown[:57] + "..." if len(shown) > 60 else shown
    tail = f" ({why})" if why else ""
    return Wrong(f"expected {expected}, got {shown} ({type(value).__name__}){tail}")


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, asked: Any) -> Any:
        if type(value) is not kind:
            raise wrong(kind.__name__, value)
        return value if asked is kind else asked(value)

    return hook


def _or_enum(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A type's hook is asked for its subclasses too, and ``class Color(str, Enum)`` is one."""

    def either(value: Any, kind: Any) -> Any:
        return (_enum if issubclass(kind, Enum) else hook)(value, kind)

    return either


def _float(value: Any, _: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise wrong("float", value)
    try:
        return float(value)
    except OverflowError:
        raise wrong("float", value, "too large for one") from None


def _bytes(value: Any, kind: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return kind(value)
    if type(value) is str:
        try:
            return kind(_from_base64(value.encode("ascii")))
        except ValueError as error:
            raise wrong("bytes as base64 text", value, str(error)) from None
    raise wrong("bytes as base64 text", value)


def _from_base64(text: bytes) -> bytes:
    if sys.version_info >= (3, 11):
        return binascii.a2b_base64(text, strict_mode=True)  # novm
    data = binascii.a2b_base64(text)
    if binascii.b2a_base64(data, newline=False) != text:
        raise ValueError("not the base64 text of any bytes")
    return data


def _from_text(make: Callable[[str], Any], expected: str) -> Callable[[Any, Any], Any]:
    """Values that travel as text; those that are of the type already pass."""

    def hook(value: Any, kind: Any) -> Any:
        if isinstance(value, kind):
            return value
        if type(value) is not str:
            raise wrong(expected, value)
        try:
            return make(value)
        except InvalidOperation:
            raise wrong(expected, value) from None
        except ValueError as error:
            raise wrong(expected, value, str(error)) from None

    return hook


def _datetime(text: str) -> datetime:
    if sys.version_info < (3, 11) and text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    return datetime.fromisoformat(text)


def _date(value: Any, kind: Any) -> date:
    if type(value) is date:
        return value
    if type(value) is not str:
        raise wrong("a date as ISO 8601 text", value)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise wrong("a date as ISO 8601 text", value, str(error)) from None


def _timedelta(value: Any, _: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if type(value) not in (int, float):
        raise wrong("a number of seconds", value)
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise wrong("a number of seconds", value, str(error)) from None


def _decimal(value: Any, kind: Any) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    made: Decimal = _from_text(Decimal, "a decimal number as text")(value, kind)
    return made


def _enum(value: Any, kind: Any) -> Any:
    if isinstance(value, kind):
        return value
    for member in kind:
        if type(member.value) is type(value) and member.value == value:
            return member
    known = ", ".join(repr(each.value) for each in kind)
    if not issubclass(kind, Flag):
        raise wrong(f"one of {known}", value)
    made = 0
    for member in kind.__members__.values():
        if type(value) is int and member.value & value == member.value:
            made |= member.value
    if type(value) is not int or made != value:
        raise wrong(f"a combination of {known}", value)
    return kind(value)


def _path(value: Any, kind: Any) -> Any:
    if isinstance(value, PurePath):
        return value
    if type(value) is not str or "\0" in value:
        raise wrong("a path as text", value)
    return (Path if kind in (Path, PurePath) else kind)(value)


_HOOKS: tuple[tuple[Any, Callable[[Any, Any], Any]], ...] = (
    *((kind, _exactly(kind)) for kind in (int, str, bool)),
    (float, _float),
    (bytes, _bytes),
    (bytearray, _bytes),
    (datetime, _from_text(_datetime, "a date and time as ISO 8601 text")),
    (time, _from_text(time.fromisoformat, "a time as ISO 8601 text")),
    (date, _date),
    (timedelta, _timedelta),
    (PurePath, _path),
    (Path, _path),  # cattrs has a laxer one
    (Decimal, _decimal),
    (UUID, _from_text(UUID, "a UUID as text")),
    (Enum, _enum),  # by class, which is how the cattrs of CPython 3.9 has its own, laxer one
)

HOOKS: dict[Any, Callable[[Any, Any], Any]] = {kind: _or_enum(hook) for kind, hook in _HOOKS}
"""What makes a value of each type, or of its subclasses, from what came."""
