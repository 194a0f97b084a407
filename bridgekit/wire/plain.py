"""Values as the wire can carry them, without importing the libraries that made them.

A value of a library's type can only exist once that library is loaded, so its class is looked up
in ``sys.modules``: recognising a datetime or a numpy array costs nothing where there are none.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = [
    "default",
    "default_binary",
    "find_bad",
    "kind_name",
    "refused_by_json",
    "with_text_keys",
]

_DATE_TYPES = ("datetime", "date", "time")


def default(value: Any) -> Any:
    """Return a plain value that stands for ``value``; raise TypeError where there is none.

    Called by encoders for what they do not know: dataclass and attrs instances become objects of
    their fields, enums their value, dates and times ISO 8601 text, timedeltas seconds, Decimal,
    UUID and paths text, bytes base64 text (RFC 4648), sets and tuples arrays, other mappings
    objects, numpy scalars and arrays numbers and nested arrays.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        from binascii import b2a_base64

        return b2a_base64(value, newline=False).decode("ascii")
    return default_binary(value)


def default_binary(value: Any) -> Any:
    """As :func:`default`, for codecs that carry bytes themselves."""
    kind = type(value)
    for builtin, plainly in _BUILTIN:  # as encoders see their subclasses
        if isinstance(value, builtin):
            return plainly(value)
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "__attrs_attrs__", None)
    if fields is not None:
        return _fields(value, fields)
    if isinstance(value, (set, frozenset)):
        return list(value)
    for base in kind.__mro__[:-1]:
        module = base.__module__
        if module in _KNOWN:
            plain = _KNOWN[module](value, base.__name__)
            if plain is not None:
                return plain[0]
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    return _structural(value, kind)


def _fields(value: Any, fields: Any) -> dict[str, Any]:
    if isinstance(fields, dict):
        names = [name for name, field in fields.items() if str(field._field_type) == "_FIELD"]
    else:
        names = [field.name for field in fields]
    return {name: getattr(value, name) for name in names}


def _date(value: Any, name: str) -> tuple[Any] | None:
    if name in _DATE_TYPES:
        return (value.isoformat(),)
    if name == "timedelta":
        return (value.total_seconds(),)
    return None


def _numpy(value: Any, name: str) -> tuple[Any] | None:
    if name == "ndarray":
        return (value.tolist(),)
    if name == "generic":
        plain = value.item()
        return None if type(plain) is type(value) else (plain,)  # longdouble is its own item
    return None


_KNOWN: dict[str, Callable[[Any, str], tuple[Any] | None]] = {
    "datetime": _date,
    "enum": lambda value, name: (value.value,) if name == "Enum" else None,
    "decimal": lambda value, name: (str(value),) if name == "Decimal" else None,
    "uuid": lambda value, name: (str(value),) if name == "UUID" else None,
    "numpy": _numpy,
}


# What a subclass holds, past what it may have overridden.
_BUILTIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (dict, lambda value: dict(value.items())),
    (list, list),
    (tuple, list),
)


def _structural(value: Any, kind: type) -> Any:
    """Plain forms of other mappings and sequences."""
    abc = sys.modules.get("_collections_abc")
    if abc is not None:
        if isinstance(value, abc.Mapping):
            return dict(value)
        if isinstance(value, (abc.Set, abc.Sequence, abc.ValuesView)):
            return list(value)
    if kind.__name__ == "deque" and kind.__module__ == "collections":
        return list(value)
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not a type the wire knows")


def refused_by_json(item: Any) -> str:
    """Say why JSON cannot take a leaf; nothing if it can."""
    if isinstance(item, float):
        return "" if item - item == 0 else f"{float.__repr__(item)} is not a JSON number"
    if isinstance(item, int):
        try:
            int.__repr__(item)
        except ValueError as error:
            return str(error)
    return ""


def find_bad(
    value: Any,
    max_depth: int,
    default: Callable[[Any], Any] = default,
    refused: Callable[[Any], str] = refused_by_json,
    leaves: tuple[type, ...] = (str, int, float),
    around: int = 0,
) -> tuple[str, str]:
    """Return where in ``value`` something cannot be sent, and why; two empty texts if nothing.

    The place reads like Python from the value on: ``.rows[3].x``. ``refused`` judges a leaf, of
    one of the types ``leaves``; ``default`` is asked about what is neither that nor a container.
    ``value`` may nest ``max_depth`` levels, and its frame, of which ``around`` levels stand around
    it, so many more: the limit of a frame is the one that people know.
    """
    names = [""]
    stack = [(iter([("", value)]), 0)]
    while stack:
        parts, depth = stack[-1]
        for name, item in parts:
            if item is None or item is True or item is False:
                continue
            if isinstance(item, leaves):
                why, inside = refused(item), None
            elif depth >= max_depth or len(stack) > 4 * max_depth + 4:
                limit = max_depth + around
                why = f"it nests deeper than the limit of {limit} levels of its whole frame"
                inside = None
            else:
                why, inside = _open(item, default)
            if why:
                place = "".join([*names, name])
                return place[:100] + "..." if len(place) > 103 else place, why
            if inside is not None:
                names.append(name)
                stack.append((inside, depth + isinstance(item, (dict, list, tuple))))
                break
        else:
            stack.pop()
            names.pop()
    return "", ""


def _open(item: Any, default: Callable[[Any], Any]) -> tuple[str, Iterator[tuple[str, Any]] | None]:
    """Return the parts of ``item`` with their names, or why it has no plain form."""
    if isinstance(item, dict):
        for key in item:
            why = _bad_key(key, default)
            if why:
                return why, None
        return "", ((_name(key), part) for key, part in item.items())
    if isinstance(item, (list, tuple)):
        return "", ((f"[{index}]", part) for index, part in enumerate(item))
    try:
        return "", iter([("", default(item))])
    except Exception as error:
        kind = kind_name(type(item))
        return f"{kind} has no plain form ({type(error).__name__}: {error})", None


def _name(key: Any) -> str:
    if isinstance(key, str) and key.isidentifier():
        return f".{key}"
    return f"[{repr(key)[:60]}]"


def _bad_key(key: Any, default: Callable[[Any], Any]) -> str:
    if key is None or isinstance(key, (str, int, float)):
        return "" if isinstance(key, str) else refused_by_json(key)
    try:
        _key_text(key, default)
    except Exception:
        return f"the key {repr(key)[:60]} is of type {kind_name(type(key))}; keys must be text"
    return ""


def with_text_keys(
    value: Any, default: Callable[[Any], Any], left: int, leaves: tuple[type, ...] = ()
) -> Any:
    """Return a copy whose dicts have text keys, as JSON would write them.

    A key of another type stands as values of its type do, where that is text or a whole number:
    an enum member as its value, a date as ISO 8601 text. Raises TypeError for any other, and
    ValueError for what nests deeper than ``left``; ``leaves`` are left alone like text.
    """
    if value is None or isinstance(value, (str, int, float, *leaves)):
        return value
    if not isinstance(value, (dict, list, tuple)):
        return with_text_keys(default(value), default, left, leaves)
    if left <= 0:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {
            _key_text(key, default): with_text_keys(part, default, left - 1, leaves)
            for key, part in value.items()
        }
    return [with_text_keys(part, default, left - 1, leaves) for part in value]


def _key_text(key: Any, default: Callable[[Any], Any]) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float) and key - key == 0:
        return float.__repr__(key)
    plain = key
    for _ in range(3):  # an enum member may hold a date
        plain = default(plain)
        if isinstance(plain, bool):
            break
        if isinstance(plain, (str, int)):
            return _key_text(plain, default)
    raise TypeError(f"keys must be text, not {kind_name(type(key))}")


def kind_name(kind: type) -> str:
    """Return the name by which a person knows a type: ``dict``, ``numpy.complex128``."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
