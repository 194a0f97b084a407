"""Turns plain values from the wire into the types that an author has declared, strictly.

Built on cattrs, and loaded only when a parameter or a result has a type that needs it: attrs
classes, dataclasses, enums, dates, paths, sets and whatever contains them; the single values among
them lie in :mod:`bridgekit.scalars`. Nothing is guessed:
``"12"`` is no number, ``1`` is no bool, an unknown field of a class is an error. The way back is
:mod:`bridgekit.wire.plain`, and the two agree: dates are ISO 8601 text, timedeltas seconds,
Decimal and UUID text, bytes base64 text (or bytes, where the wire has them).

Lent to older interpreters with the child's rooms, it too keeps to CPython 3.9; cattrs it takes
from the interpreter it runs on.
"""

from __future__ import annotations

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
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import has
from cattrs import Converter, transform_error
from cattrs.errors import StructureHandlerNotFoundError
from cattrs.gen import make_dict_structure_fn, override
from cattrs.v import format_exception

from bridgekit.scalars import HOOKS, Wrong, wrong

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
    if str(error).startswith("Only input mappings"):  # of cattrs, where classes are alternatives
        return "expected an object with the fields of one of the classes"
    if kind is None and isinstance(error, (KeyError, ValueError)) and str(error):
        return str(error)  # of the author's own checks
    if isinstance(error, StructureHandlerNotFoundError):
        return (
            f"the annotation {_named(error.type_)} cannot be filled from what is sent; "
            "use another annotation, or none"
        )
    text = str(format_exception(error, kind))
    return str(error) if isinstance(error, Wrong) or "unknown error" in text else text


def _named(kind: Any) -> str:
    if isinstance(kind, type) and not get_args(kind):
        return kind.__qualname__
    return str(kind).replace("typing.", "")


def _sequence(kind: Any) -> Callable[[Any, Any], Any]:
    """A list is a list: text and objects are not taken for one."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    make: Any = {tuple: tuple, frozenset: frozenset, set: set, Set: set, MutableSet: set}.get(
        origin, list
    )
    shape = arguments if make is tuple and arguments and arguments[-1] is not Ellipsis else None
    if origin is tuple and getattr(kind, "__args__", None) in ((), ((),)):
        shape = ()  # ``tuple[()]`` is the empty one, which a bare ``tuple`` need not be
    inner = arguments[0] if arguments else Any

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise wrong("a list", value)
        kinds = [inner] * len(value) if shape is None else shape
        if len(kinds) != len(value):
            raise wrong(f"a list of {len(kinds)}", value)
        return make(
            _at(item, each, f"[{index}]") for index, (item, each) in enumerate(zip(value, kinds))
        )

    return hook


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _named_tuple(kind: Any) -> Callable[[Any, Any], Any]:
    """A list in the order of the fields; hints that are text are resolved, unlike in cattrs."""
    hints = get_type_hints(kind)
    names, defaults = kind._fields, kind._field_defaults
    kinds = [hints.get(name, Any) for name in names]
    least = len(names) - len(defaults)

    def hook(value: Any, _: Any) -> Any:
        came = len(value) if defaults and isinstance(value, (list, tuple)) else len(names)
        if not least <= came <= len(names):
            raise wrong(f"a list of {least} to {len(names)}", value)
        made = _sequence(tuple[tuple(kinds[:came])])(value, kind)  # type: ignore[misc]
        return kind._make([*made, *(defaults[name] for name in names[came:])])

    return hook


def _mapping(kind: Any) -> Callable[[Any, Any], Any]:
    arguments = get_args(kind)
    key_kind, value_kind = arguments if len(arguments) == 2 else (Any, Any)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong("an object", value)
        return {
            _key(key, key_kind): _at(item, value_kind, f"[{key!r}]") for key, item in value.items()
        }

    return hook


def _key(key: Any, kind: Any) -> Any:
    """JSON has text for keys only, so the text of a number stands for it here."""
    number = _number(key) if type(key) is str else None
    if kind is int and type(key) is str:
        if number is None:
            raise wrong("an object with integers as keys", key)
        return number
    try:
        return _at(key, kind, f"[{key!r}]")
    except Wrong:
        if number is None or not isinstance(kind, type) or not issubclass(kind, Enum):
            raise
        return _at(number, kind, f"[{key!r}]")


def _number(text: str) -> int | None:
    """The whole number of which ``text`` is the one spelling, lest two keys become one."""
    try:
        number = int(text)
        return number if str(number) == text else None
    except ValueError:
        return None


def _is_class(kind: Any) -> bool:
    cls = get_origin(kind) or kind
    return isinstance(cls, type) and (has(cls) or is_dataclass(cls))


def _quoted_fields(cls: Any, every: Any) -> dict[str, Any]:
    """Fields like ``list["Node"]``, of which cattrs looks up only what is text as a whole."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception:  # a name that only type checkers know: cattrs says what it makes of it
        return {}
    return {
        each.name: override(struct_hook=_as(hints[each.name]))
        for each in every
        if type(each.type) is not str and hints.get(each.name, each.type) != each.type
    }


def _as(kind: Any) -> Callable[[Any, Any], Any]:
    return lambda value, _: _converter.structure(value, kind)


def _class(kind: Any) -> Callable[[Any, Any], Any]:
    """As cattrs does it, which takes for granted that an object has come."""
    cls = get_origin(kind) or kind
    every: Any = attrs.fields(cls) if has(cls) and not is_dataclass(cls) else fields(cls)
    names = [each.name for each in every if each.init]
    quoted = _quoted_fields(cls, every)
    make: Any = (
        make_dict_structure_fn(kind, _converter, **quoted)
        if quoted
        else _converter.gen_structure_attrs_fromdict(kind)
    )
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    expected = f"an object with the fields of {_named(kind)} ({shown or 'none'})"

    def hook(value: Any, asked: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong(expected, value)
        return make(value, asked)

    return hook


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
        raise wrong("one of " + ", ".join(map(repr, allowed)), value)

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
        raise wrong(names, value)

    return hook


def _at(value: Any, kind: Any, place: str) -> Any:
    try:
        return _converter.structure(value, kind)
    except Exception as error:
        inner = _explained(error)
        raise Wrong(f"{inner.why} @ {_ROOT}{place}{inner.place}") from None


def _numpy(value: Any, kind: Any) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        return value
    if not isinstance(value, list):
        raise wrong("an array as a list", value)
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
    factory(_is_class, _class)
    factory(_is_any_of(*_SEQUENCES), _sequence)
    factory(_is_any_of(*_MAPPINGS), _mapping)
    factory(_is_literal, _literal)
    factory(_is_named_tuple, _named_tuple)
    factory(_is_mixed_union, _mixed_union)
    by_kind = converter.register_structure_hook_func
    by_kind(_is_array, _numpy)
    by_kind(lambda kind: kind is object, lambda value, _: value)
    for scalar, hook in HOOKS.items():
        converter.register_structure_hook(scalar, hook)
    return converter


_converter = _make_converter()
