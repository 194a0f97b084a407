"""Type hints as JSON Schema (draft 7), for descriptions. Loaded on need only."""

from __future__ import annotations

import sys

from bridgekit.backend.annotations import UNKNOWN, alternatives_of, resolve
from bridgekit.backend.signature import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = ["Schemas"]

_PLAIN: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    set: {"type": "array", "uniqueItems": True},
    frozenset: {"type": "array", "uniqueItems": True},
    dict: {"type": "object"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    type(None): {"type": "null"},
}

_BY_NAME: dict[str, dict[str, Any]] = {
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "datetime.timedelta": {"type": "number", "description": "seconds"},
    "decimal.Decimal": {"type": "string"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "numpy.ndarray": {"type": "array"},
}

_ITEMS = ("list", "tuple", "set", "frozenset", "Sequence", "Iterable", "Iterator", "Generator")
_FIELD_MARKS = ("NotRequired", "Required", "ReadOnly")
_ASYNC_ITEMS = ("AsyncIterator", "AsyncIterable", "AsyncGenerator")


class Schemas:
    """Makes schemas; those of classes are gathered in ``definitions``."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._names: dict[type, str] = {}
        self._aliases: list[Any] = []  # those whose meaning is being worked out

    def of(self, annotation: Any, function: Any = None) -> dict[str, Any]:
        """Return the schema of a hint; an empty one where anything goes or nothing is known."""
        if annotation is MISSING:
            return {}
        # ``typing`` keeps text inside other hints as an object of its own.
        kind = resolve(getattr(annotation, "__forward_arg__", annotation), function)
        if kind is None:
            return {"type": "null"}
        try:
            if kind in _PLAIN:
                return dict(_PLAIN[kind])
        except TypeError:
            return {}
        if kind is UNKNOWN:
            return {}
        several = alternatives_of(kind)
        if several is not None:
            return {"anyOf": [self.of(each, function) for each in several]}
        origin = getattr(kind, "__origin__", None)
        if type(origin or kind).__name__ == "TypeAliasType":
            return self._alias(kind, origin or kind, function)
        if origin is not None:
            return self._generic(kind, origin, function)
        if isinstance(kind, type):
            return self._class(kind)
        return {}

    def _alias(self, kind: Any, alias: Any, function: Any) -> dict[str, Any]:
        """What ``type X = ...`` stands for; anything where it contains itself."""
        if alias in self._aliases:
            return {}
        self._aliases.append(alias)
        try:
            value = alias.__value__
            return self.of(value if kind is alias else value[kind.__args__], function)
        except (NameError, TypeError):  # known to type checkers only
            return {}
        finally:
            self._aliases.pop()

    def _generic(self, kind: Any, origin: Any, function: Any) -> dict[str, Any]:
        arguments: Any = getattr(kind, "__args__", ())
        typing: Any = sys.modules.get("typing")
        if typing is not None and origin is typing.Literal:
            return {"enum": [getattr(each, "value", each) for each in arguments]}
        if hasattr(kind, "__metadata__"):
            return self.of(origin, function)
        name = getattr(origin, "__name__", "")
        if name in _ITEMS or name in _ASYNC_ITEMS:
            if origin is tuple and getattr(kind, "__args__", None) in ((), ((),)):
                return {"type": "array", "maxItems": 0}
            if origin is tuple and arguments and arguments[-1] is not ...:
                items = [self.of(each, function) for each in arguments]
                return {
                    "type": "array",
                    "items": items,
                    "minItems": len(items),
                    "maxItems": len(items),
                }
            schema = dict(_PLAIN.get(origin, {"type": "array"}))
            inner = self.of(arguments[0], function) if arguments else {}
            return {**schema, "items": inner} if inner else schema
        if name in ("dict", "Mapping", "MutableMapping") and len(arguments) == 2:
            inner = self.of(arguments[1], function)
            return {"type": "object", "additionalProperties": inner or True}
        if name in _FIELD_MARKS:
            return self.of(arguments[0], function)
        if isinstance(origin, type) and origin is not kind:
            return self.of(origin, function)
        return {}

    def _class(self, kind: type) -> dict[str, Any]:
        for base in kind.__mro__:
            known = _BY_NAME.get(f"{base.__module__}.{base.__name__}")
            if known is not None:
                return dict(known)
        if hasattr(kind, "__fspath__"):
            return {"type": "string"}
        members = getattr(kind, "__members__", None)
        if members is not None:
            flags: Any = getattr(sys.modules.get("enum"), "Flag", ())
            if issubclass(kind, flags):
                together = 0
                for member in members.values():
                    together |= member.value
                return {"type": "integer", "minimum": 0, "maximum": together}
            return {"enum": [member.value for member in members.values()]}
        fields = self._fields(kind)
        if fields is None:
            return {}
        name = self._names.get(kind)
        if name is None:
            name = self._names[kind] = self._free_name(kind.__name__)
            self.definitions[name] = {}  # first, so that a class may contain itself
            required = [each for each, (_, has_default) in fields.items() if not has_default]
            schema: dict[str, Any] = {
                "title": kind.__name__,
                "type": "object",
                "properties": {
                    each: self.of(hint, _Namespace(kind)) for each, (hint, _) in fields.items()
                },
                "additionalProperties": False,
            }
            if required:
                schema["required"] = required
            self.definitions[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _free_name(self, name: str) -> str:
        """Classes of different modules may share a name; the later ones get a number."""
        free, number = name, 1
        while free in self.definitions:
            number += 1
            free = f"{name}_{number}"
        return free

    @staticmethod
    def _fields(kind: Any) -> Optional[dict[str, tuple[Any, bool]]]:
        """Name, hint and whether there is a default, of each field of a class of fields."""
        if hasattr(kind, "__dataclass_fields__"):
            missing = sys.modules["dataclasses"].MISSING
            return {
                name: (
                    field.type,
                    field.default is not missing or field.default_factory is not missing,
                )
                for name, field in kind.__dataclass_fields__.items()
                if field._field_type.name == "_FIELD" and field.init
            }
        if hasattr(kind, "__attrs_attrs__"):
            nothing = sys.modules["attr"].NOTHING
            return {
                field.alias if hasattr(field, "alias") else field.name.lstrip("_"): (
                    MISSING if field.type is None else field.type,
                    field.default is not nothing,
                )
                for field in kind.__attrs_attrs__
                if field.init
            }
        if hasattr(kind, "__required_keys__"):
            return {
                name: (hint, name not in kind.__required_keys__)
                for name, hint in kind.__annotations__.items()
            }
        return None


class _Namespace:
    """Where the text hints of a class are looked up."""

    def __init__(self, kind: type) -> None:
        self.__globals__ = getattr(sys.modules.get(kind.__module__), "__dict__", {})
