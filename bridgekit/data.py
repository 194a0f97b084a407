"""Turns plain values from the wire into the types that an author has declared, strictly.

Built on cattrs, and loaded only when a parameter or a result has a type that needs it: attrs
classes, dataclasses, enums, dates, paths, sets and whatever contains them. Nothing is guessed:
``"12"`` is no number, ``1`` is no bool, an unknown field of a class is an error. The way back is
:mod:`bridgekit.wire.plain`, and the two agree: dates are ISO 8601 text, timedeltas seconds,
Decimal and UUID text, bytes base64 text (or bytes, where the wire has them).

Lent to older interpreters with the child's rooms, it too keeps to CPython 3.9; cattrs it takes
from the interpreter it runs on.
"""

from __future__ import annotations

import binascii
import sys
import types
from collections.abc import (
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    Set,
)
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from attrs import has
from cattrs import Converter, transform_error
from cattrs.v import format_exception

from bridgekit.wire.secrets import redacted

__all__ = ["StructureError", "structure"]

NoneType = type(None)
_UNIONS = (Union, getattr(types, "UnionType", Union))  # ``X | Y`` came with CPython 3.10

_ROOT = "\0"
"""Where a place begins in a message: what no text of a value, being quoted, has in it."""


class StructureError(ValueError):
    """A value is not what its type says; ``place`` is where in it, ``why`` what is wrong."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place.lstrip('.') or 'the value'}: {why}")
        self.place = place
        self.why = why


def structure(value: Any, kind: Any) -> Any:
    """Return ``value`` as ``kind``; raises StructureError naming the first wrong place."""
    try:
        return _converter.structure(value, kind)
    except Exception as error:
        raise _explained(error) from error


def _explained(error: Exception) -> StructureError:
    """The first of what may be a whole tree of complaints."""
    messages = transform_error(error, path=_ROOT, format_exception=_say)
    text, *places = messages[0].split(f" @ {_ROOT}")
    return StructureError("".join(reversed(places)), text)


def _say(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError) and getattr(error, "__notes__", None):
        return "it is required, and missing"
    if kind is None and isinstance(error, (KeyError, ValueError)) and str(error):
        return str(error)  # of the author's own checks
    text = str(format_exception(error, kind))
    return str(error) if isinstance(error, _Wrong) or "unknown error" in text else text


class _Wrong(TypeError):
    """A complaint of ours, worded for people."""


def _wrong(expected: str, value: Any, why: str = "") -> _Wrong:
    shown = repr(redacted(value))
    shown = shown[:57] + "..." if len(shown) > 60 else shown
    tail = f" ({why})" if why else ""
    return _Wrong(f"expected {expected}, got {shown} ({type(value).__name__}){tail}")


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, asked: Any) -> Any:
        if type(value) is not kind:
            raise _wrong(kind.__name__, value)
        return value if asked is kind else asked(value)

    return hook


def _or_enum(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A type's hook is asked for its subclasses too, and ``class Color(str, Enum)`` is one."""

    def either(value: Any, kind: Any) -> Any:
        return (_enum if issubclass(kind, Enum) else hook)(value, kind)

    return either


def _float(value: Any, _: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise _wrong("float", value)
    try:
        return float(value)
    except OverflowError:
        raise _wrong("float", value, "too large for one") from None


def _bytes(value: Any, kind: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return kind(value)
    if type(value) is str:
        try:
            return kind(_from_base64(value.encode("ascii")))
        except ValueError as error:
            raise _wrong("bytes as base64 text", value, str(error)) from None
    raise _wrong("bytes as base64 text", value)


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
            raise _wrong(expected, value)
        try:
            return make(value)
        except InvalidOperation:
            raise _wrong(expected, value) from None
        except ValueError as error:
            raise _wrong(expected, value, str(error)) from None

    return hook


def _datetime(text: str) -> datetime:
    if sys.version_info < (3, 11) and text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    return datetime.fromisoformat(text)


def _date(value: Any, kind: Any) -> date:
    if type(value) is date:
        return value
    if type(value) is not str:
        raise _wrong("a date as ISO 8601 text", value)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _wrong("a date as ISO 8601 text", value, str(error)) from None


def _timedelta(value: Any, _: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if type(value) not in (int, float):
        raise _wrong("a number of seconds", value)
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise _wrong("a number of seconds", value, str(error)) from None


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
    raise _wrong("one of " + ", ".join(repr(each.value) for each in kind), value)


def _path(value: Any, kind: Any) -> Any:
    if isinstance(value, PurePath):
        return value
    if type(value) is not str or "\0" in value:
        raise _wrong("a path as text", value)
    return (Path if kind in (Path, PurePath) else kind)(value)


def _sequence(kind: Any) -> Callable[[Any, Any], Any]:
    """A list is a list: text and objects are not taken for one."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    make: Any = {tuple: tuple, frozenset: frozenset, set: set, Set: set, MutableSet: set}.get(
        origin, list
    )
    shape = arguments if make is tuple and arguments and arguments[-1] is not Ellipsis else None
    inner = arguments[0] if arguments else Any

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise _wrong("a list", value)
        kinds = [inner] * len(value) if shape is None else shape
        if len(kinds) != len(value):
            raise _wrong(f"a list of {len(kinds)}", value)
        return make(
            _at(item, each, f"[{index}]") for index, (item, each) in enumerate(zip(value, kinds))
        )

    return hook


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _named_tuple(kind: Any) -> Callable[[Any, Any], Any]:
    """A list in the order of the fields; hints that are text are resolved, unlike in cattrs."""
    hints = get_type_hints(kind)
    shape = _sequence(tuple[tuple(hints.get(name, Any) for name in kind._fields)])  # type: ignore[misc]
    return lambda value, _: kind._make(shape(value, kind))


def _mapping(kind: Any) -> Callable[[Any, Any], Any]:
    arguments = get_args(kind)
    key_kind, value_kind = arguments if len(arguments) == 2 else (Any, Any)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong("an object", value)
        return {
            _key(key, key_kind): _at(item, value_kind, f"[{key!r}]") for key, item in value.items()
        }

    return hook


def _key(key: Any, kind: Any) -> Any:
    """JSON has text for keys only, so the text of a number stands for it here."""
    if kind is int and type(key) is str:
        try:
            number = int(key)
        except ValueError:
            number = None
        if number is None or str(number) != key:  # two texts of one number would be one key
            raise _wrong("an object with integers as keys", key)
        return number
    return _at(key, kind, f"[{key!r}]")


def _is_literal(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _literal(kind: Any) -> Callable[[Any, Any], Any]:
    allowed = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        for each in allowed:
            plain = each.value if isinstance(each, Enum) else each
            if value is each or (type(plain) is type(value) and plain == value):
                return each
        raise _wrong("one of " + ", ".join(map(repr, allowed)), value)

    return hook


def _is_mixed_union(kind: Any) -> bool:
    """A union that cattrs cannot tell apart by the fields of its classes."""
    if get_origin(kind) not in _UNIONS:
        return False
    kinds = [each for each in get_args(kind) if each is not NoneType]
    return len(kinds) != 1 and not all(has(each) or is_dataclass(each) for each in kinds)


def _mixed_union(kind: Any) -> Callable[[Any, Any], Any]:
    """The first alternative that fits, exact types before those that convert."""
    exact = (NoneType, bool, int, str)
    kinds = sorted(get_args(kind), key=lambda each: 0 if each in exact else 1 + (each is not float))

    def hook(value: Any, _: Any) -> Any:
        if value is None and NoneType in kinds:
            return None
        for each in kinds:
            try:
                return _converter.structure(value, each)
            except Exception:
                continue
        names = " or ".join(getattr(each, "__name__", None) or str(each) for each in get_args(kind))
        raise _wrong(names, value)

    return hook


def _at(value: Any, kind: Any, place: str) -> Any:
    try:
        return _converter.structure(value, kind)
    except Exception as error:
        inner = _explained(error)
        raise _Wrong(f"{inner.why} @ {_ROOT}{place}{inner.place}") from None


def _numpy(value: Any, kind: Any) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        return value
    if not isinstance(value, list):
        raise _wrong("an array as a list", value)
    return numpy.asarray(value)


def _is_array(kind: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and (get_origin(kind) or kind) is numpy.ndarray


_SEQUENCES = (list, tuple, set, frozenset, Sequence, MutableSequence, Set, MutableSet, Iterable)
_MAPPINGS = (dict, Mapping, MutableMapping)


def _is_any_of(*kinds: Any) -> Callable[[Any], bool]:
    return lambda kind: any((get_origin(kind) or kind) is each for each in kinds)


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    factory = converter.register_structure_hook_factory
    factory(_is_any_of(*_SEQUENCES), _sequence)
    factory(_is_any_of(*_MAPPINGS), _mapping)
    factory(_is_literal, _literal)
    factory(_is_named_tuple, _named_tuple)
    factory(_is_mixed_union, _mixed_union)
    by_kind = converter.register_structure_hook_func
    by_kind(_is_array, _numpy)
    by_kind(lambda kind: kind is object, lambda value, _: value)
    for kind, hook in (
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
    ):
        converter.register_structure_hook(kind, _or_enum(hook))
    return converter


_converter = _make_converter()
