"""Turns annotations into checks: simple builtins here, everything structured through ``data``.

A check is a function that returns the value to pass, or raises :class:`Mismatch`. Checks are
strict: a bool is no int, ``"12"`` is no number; an int is accepted for a float and becomes one.
``typing`` is never imported for it: where an annotation needs it, the author's code has loaded
it already.
"""

from __future__ import annotations

import sys

from bridgekit.errors import BridgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    Check = Callable[[Any], Any]

__all__ = ["UNKNOWN", "Mismatch", "alternatives_of", "check_for", "describe", "resolve"]

UNKNOWN: Any = object()
"""An annotation that cannot be worked out at run time; nothing is checked for it."""

_GenericAlias: Any = type(list[int])
_UnionType = type(int | None) if sys.version_info >= (3, 10) else None

_BUILTIN: dict[str, Any] = {
    "int": int,
    "str": str,
    "bool": bool,
    "float": float,
    "list": list,
    "dict": dict,
    "bytes": bytes,
    "object": object,
    "None": None,
}


class Mismatch(Exception):
    """A value is not what its annotation says.

    ``expected`` says what it should be, or ``why`` the whole story; ``place`` says where in it.
    """

    def __init__(self, expected: str, value: Any, place: str = "", why: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value
        self.place = place
        self.why = why


def resolve(annotation: Any, function: Any) -> Any:
    """Return the object that an annotation means, names quoted inside it too, or UNKNOWN.

    Names are looked up in the function's module, then among the classes that its own class holds.
    Those that exist only for type checkers (``if TYPE_CHECKING``) cannot be known here.
    """
    return _resolve(annotation, function, ())


def _resolve(annotation: Any, function: Any, seen: tuple[str, ...]) -> Any:
    """As ``resolve``; ``seen`` are the texts being worked out, for an alias may hold itself."""
    text = getattr(annotation, "__forward_arg__", annotation)  # how typing keeps text inside
    if type(text) is not str:
        return _inside(annotation, function, seen)
    text = text.strip()
    if text in seen:
        return UNKNOWN
    seen = (*seen, text)
    names = getattr(function, "__globals__", {})
    if text in _BUILTIN and text not in names:
        return _BUILTIN[text]
    alternatives = _split(text)
    if len(alternatives) > 1 and sys.version_info < (3, 10):
        parts = [_resolve(part, function, seen) for part in alternatives]
        return UNKNOWN if UNKNOWN in parts else _OldUnion(parts)
    try:
        value = eval(text, names, {})  # noqa: S307 - the author's own annotation
    except Exception:
        try:
            value = eval(text, names, _class_names(function, names))  # noqa: S307
        except Exception:
            return UNKNOWN
    return _resolve(value, function, seen)


def _class_names(function: Any, names: Any) -> dict[str, Any]:
    """The classes and aliases, not the methods, in the body of the class of a method."""
    first, *rest = getattr(function, "__qualname__", "").split(".")[:-1] or [""]
    holder = names.get(first)
    for name in rest:
        holder = getattr(holder, name, None)
    return {
        name: value
        for name, value in getattr(holder, "__dict__", {}).items()
        if isinstance(value, type) or hasattr(value, "__origin__") or alternatives_of(value)
    }


def _inside(annotation: Any, function: Any, seen: tuple[str, ...]) -> Any:
    """Resolve what stands quoted inside a hint, as in ``Optional["Node"]``."""
    parts = getattr(annotation, "__args__", None)
    if type(parts) is not tuple or "Literal" in type(annotation).__name__:
        return annotation
    found = [_resolve(part, function, seen) for part in parts]
    if all(new is old for new, old in zip(found, parts)):
        return annotation
    anything = object if _typing("Any") is UNKNOWN else _typing("Any")
    known = tuple(
        anything if each is UNKNOWN else type(None) if each is None else each for each in found
    )
    try:
        if _UnionType is not None and type(annotation) is _UnionType:
            whole = known[0]
            for each in known[1:]:
                whole = whole | each
            return whole
        if hasattr(annotation, "copy_with"):  # an alias of typing's
            return annotation.copy_with(known)
        return _GenericAlias(annotation.__origin__, known)
    except Exception:
        return UNKNOWN


class _OldUnion:
    """``X | Y`` before Python 3.10."""

    def __init__(self, parts: list[Any]) -> None:
        self.__args__ = tuple(type(None) if part is None else part for part in parts)


def _split(text: str) -> list[str]:
    """Cut at each ``|`` outside brackets and quotes."""
    if "'" in text or '"' in text:
        return [text]
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
        elif char == "|" and not depth:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _typing(name: str) -> Any:
    """A name of typing, if anything has loaded it; otherwise something equal to nothing."""
    return getattr(sys.modules.get("typing"), name, UNKNOWN)


def alternatives_of(annotation: Any) -> Optional[tuple[Any, ...]]:
    """Return the members of a union; None for what is none."""
    origin = getattr(annotation, "__origin__", None)
    if (
        (_UnionType is not None and type(annotation) is _UnionType)
        or type(annotation) is _OldUnion
        or (origin is not None and origin is _typing("Union"))
    ):
        return annotation.__args__  # type: ignore[no-any-return]
    return None


def check_for(annotation: Any) -> Optional[Check]:
    """Return the check for a resolved annotation, or None where anything goes."""
    if annotation is UNKNOWN or annotation is object or annotation is _typing("Any"):
        return None
    if annotation is None or annotation is type(None):
        return _exact(type(None), "None")
    try:
        if annotation in _SIMPLE:
            return _SIMPLE[annotation]
    except TypeError:  # an annotation that cannot be hashed
        return _structured(annotation)
    alternatives = alternatives_of(annotation)
    if alternatives is not None:
        return _union(alternatives, annotation)
    origin = getattr(annotation, "__origin__", None)
    parts: Any = getattr(annotation, "__args__", ())  # a bare ``typing.List`` has none
    if origin in (list, dict) and not parts:
        return _SIMPLE[origin]
    if origin is list and len(parts) == 1:
        return _list(parts[0])
    if origin is dict and len(parts) == 2 and parts[0] is str:
        return _dict(parts[1])
    if origin is not None and origin is _typing("Literal"):
        return _literal(annotation)
    if type(annotation) is _typing("TypeVar"):
        return None
    return _structured(annotation)


def _exact(kind: type, name: str) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not kind and (kind is int or not isinstance(value, kind)):
            raise Mismatch(name, value)
        return value

    return check


def _float(value: Any) -> Any:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Mismatch("float", value, why="it is too large for one") from None
    raise Mismatch("float", value)


def _bytes(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if type(value) is str:
        from binascii import Error, a2b_base64

        try:
            data = a2b_base64(value.encode("ascii"))
            from binascii import b2a_base64

            if b2a_base64(data, newline=False).decode("ascii") == value:
                return data
        except (Error, ValueError):
            pass
    raise Mismatch("bytes (as base64 text)", value)


_SIMPLE: dict[Any, Check] = {
    int: _exact(int, "int"),
    str: _exact(str, "str"),
    bool: _exact(bool, "bool"),
    list: _exact(list, "list"),
    dict: _exact(dict, "dict"),
    float: _float,
    bytes: _bytes,
}


def _union(alternatives: tuple[Any, ...], annotation: Any) -> Optional[Check]:
    checks = [check_for(each) for each in alternatives]
    if None in checks:
        return None
    if any(getattr(check, "structured", False) for check in checks) and any(
        not getattr(check, "structured", False) and each is not type(None)
        for each, check in zip(alternatives, checks)
    ):
        return _structured(annotation)
    expected = describe(annotation)
    # The exact types first: an int given to ``float | int`` stays an int.
    plain = [check for check, each in zip(checks, alternatives) if each is not float]
    plain += [check for check, each in zip(checks, alternatives) if each is float]

    def check(value: Any) -> Any:
        failures = []
        for each in plain:
            try:
                return each(value)  # type: ignore[misc]
            except Mismatch as error:
                failures.append(error)
        deep = [error for error in failures if error.place or error.why]
        raise deep[0] if len(deep) == 1 and deep[0].place else Mismatch(expected, value)

    check.structured = any(  # type: ignore[attr-defined]
        getattr(each, "structured", False) for each in checks
    )
    return check


def _list(inner: Any) -> Check:
    item = check_for(inner)
    expected = f"list[{describe(inner)}]"

    def check(value: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(expected, value)
        if item is None:
            return value
        result = []
        for index, each in enumerate(value):
            try:
                result.append(item(each))
            except Mismatch as error:
                error.place = f"[{index}]{error.place}"
                raise
        return result

    check.structured = getattr(item, "structured", False)  # type: ignore[attr-defined]
    return check


def _dict(inner: Any) -> Check:
    item = check_for(inner)
    expected = f"dict[str, {describe(inner)}]"

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(expected, value)
        if item is None:
            return value
        result = {}
        for key, each in value.items():
            try:
                result[key] = item(each)
            except Mismatch as error:
                error.place = f"[{key!r}]{error.place}"
                raise
        return result

    check.structured = getattr(item, "structured", False)  # type: ignore[attr-defined]
    return check


def _literal(annotation: Any) -> Check:
    allowed = annotation.__args__
    if not all(each is None or type(each) in (str, int, bool, bytes) for each in allowed):
        return _structured(annotation)

    def check(value: Any) -> Any:
        for each in allowed:
            if type(each) is type(value) and each == value:
                return value
        raise Mismatch("one of " + ", ".join(map(repr, allowed)), value)

    return check


def _structured(annotation: Any) -> Check:
    """A check that loads :mod:`bridgekit.data` when it is first needed."""

    def check(value: Any) -> Any:
        try:
            from bridgekit.data import StructureError, structure
        except ImportError as error:
            from bridgekit.wire.missing import missing_package

            raise BridgeError(
                f"a parameter of type {describe(annotation)} needs "
                + missing_package(error.name or "", sys.executable)
            ) from error
        try:
            return structure(value, annotation)
        except StructureError as error:
            raise Mismatch("", value, error.place, error.why) from error

    check.structured = True  # type: ignore[attr-defined]
    return check


def describe(annotation: Any) -> str:
    """Return an annotation as a person writes it."""
    if annotation is UNKNOWN:
        return "anything"
    if annotation is None or annotation is type(None):
        return "None"
    if type(annotation) is str:
        return annotation
    alternatives = alternatives_of(annotation)
    if alternatives is not None:
        return " or ".join(describe(each) for each in alternatives)
    if isinstance(annotation, type) and type(annotation) is not _GenericAlias:
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")
