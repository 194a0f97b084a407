# ruff: noqa: UP006, UP007, UP013, UP045 - the old spellings are what is tested
"""Type hints as JSON Schema; every schema that is made is held against the rules of draft 7."""

from __future__ import annotations

import enum
import sys
import typing
import uuid
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict, TypeVar, Union

import attrs
import numpy
import numpy.typing
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from bridgekit.backend.annotations import UNKNOWN
from bridgekit.backend.schema import Schemas
from bridgekit.backend.signature import MISSING

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    GREEN = 2


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.IntFlag):
    READ = 1
    WRITE = 4


class Plain:
    pass


@dataclass
class Node:
    value: int
    next: Optional[Node] = None
    children: list[Node] = field(default_factory=list)
    common: typing.ClassVar[int] = 3
    hidden: int = field(default=0, init=False)
    start: InitVar[int] = 0


@dataclass
class Optionals:
    a: int = 1


@attrs.define
class Point:
    x: int
    _y: float = 0.0
    computed: int = attrs.field(init=False, default=7)


@attrs.define
class Untyped:
    anything = attrs.field()  # type: ignore[var-annotated]


class Movie(TypedDict):
    title: str
    color: Color


class Later(Movie, total=False):
    year: int


Loose = TypedDict("Loose", {"a": int, "b": NotRequired[str]})


@dataclass
class Box(typing.Generic[T]):
    inside: T


def schema_of(annotation: Any, schemas: Schemas | None = None) -> dict[str, Any]:
    schemas = schemas or Schemas()
    schema = schemas.of(annotation, schema_of)
    Draft7Validator.check_schema(schema)
    for definition in schemas.definitions.values():
        Draft7Validator.check_schema(definition)
    return schema


def definition_of(kind: type) -> dict[str, Any]:
    schemas = Schemas()
    assert schema_of(kind, schemas) == {"$ref": f"#/components/schemas/{kind.__name__}"}
    found: dict[str, Any] = schemas.definitions[kind.__name__]
    return found


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        ("int", {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Access, {"type": "integer", "minimum": 0, "maximum": 5}),
        (tuple[()], {"type": "array", "maxItems": 0}),
        (typing.Tuple[()], {"type": "array", "maxItems": 0}),
        (Optional["Color"], {"anyOf": [{"enum": ["red", 2]}, {"type": "null"}]}),
        (list["Color"], {"type": "array", "items": {"enum": ["red", 2]}}),
        ("None", {"type": "null"}),
        (bytes, {"type": "string", "contentEncoding": "base64"}),
        (list, {"type": "array"}),
        (frozenset, {"type": "array", "uniqueItems": True}),
        (dict, {"type": "object"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (date, {"type": "string", "format": "date"}),
        (time, {"type": "string", "format": "time"}),
        (timedelta, {"type": "number", "description": "seconds"}),
        (Decimal, {"type": "string"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (Path, {"type": "string"}),
        (PurePosixPath, {"type": "string"}),
        (numpy.ndarray, {"type": "array"}),
        (numpy.typing.NDArray[numpy.float64], {"type": "array"}),
        (numpy.typing.NDArray[Any], {"type": "array"}),
        (Color, {"enum": ["red", 2]}),
        (Level, {"enum": [1]}),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}),
        (Literal[Color.RED], {"enum": ["red"]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Union[int, Any], {"anyOf": [{"type": "integer"}, {}]}),
        (Annotated[int, "more"], {"type": "integer"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (typing.List[int], {"type": "array", "items": {"type": "integer"}}),
        (typing.List, {"type": "array"}),
        (list[Any], {"type": "array"}),
        (set[str], {"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (Iterator[int], {"type": "array", "items": {"type": "integer"}}),
        (Generator[int, None, str], {"type": "array", "items": {"type": "integer"}}),
        (AsyncIterator[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (tuple, {"type": "array"}),
        (typing.Tuple, {"type": "array"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Mapping[str, Any], {"type": "object", "additionalProperties": True}),
        (list[list[int]], {
            "type": "array", "items": {"type": "array", "items": {"type": "integer"}},
        }),
        (typing.List["int"], {"type": "array", "items": {"type": "integer"}}),
    ],
)  # fmt: skip
def test_hints_become_schemas(annotation: Any, schema: dict[str, Any]) -> None:
    assert schema_of(annotation) == schema


def test_a_tuple_of_a_shape() -> None:
    assert schema_of(tuple[int, str]) == {
        "type": "array",
        "items": [{"type": "integer"}, {"type": "string"}],
        "minItems": 2,
        "maxItems": 2,
    }


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is newer")
def test_an_alias_of_the_type_statement_is_what_it_stands_for() -> None:
    names: dict[str, Any] = {}
    statements = """
type Count = int
type Rows[T] = list[T]
type Json = dict[str, Json] | int
type Unheard = list[nowhere]
type Many[T] = dict[str, Rows[T]]
"""
    exec(statements, names)
    integers = {"type": "array", "items": {"type": "integer"}}
    assert schema_of(names["Count"]) == {"type": "integer"}
    assert schema_of(names["Rows"][int]) == integers
    assert schema_of(names["Rows"]) == {"type": "array"}
    assert schema_of(names["Many"][int]) == {"type": "object", "additionalProperties": integers}
    assert schema_of(names["Unheard"]) == {}
    assert schema_of(names["Json"]) == {
        "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "integer"}]
    }


@pytest.mark.parametrize(
    "annotation",
    [
        MISSING, UNKNOWN, Any, object, T, Plain, "Unheard", "no good!", type[int], 3,
        Annotated[Any, []], typing.Callable[[int], int], typing.ClassVar[int], {"not": "hashable"},
    ],
)  # fmt: skip
def test_what_is_not_known_is_anything(annotation: Any) -> None:
    assert schema_of(annotation) == {}


def test_hints_are_looked_up_where_the_function_stands() -> None:
    namespace: dict[str, Any] = {"int": str}
    exec("def method(self): ...", namespace)
    assert Schemas().of("int", namespace["method"]) == {"type": "string"}


def test_without_typing_nothing_can_be_a_literal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "typing")
    assert Schemas().of(list[int]) == {"type": "array", "items": {"type": "integer"}}


# --- classes of fields ------------------------------------------------------------------------


def test_a_dataclass_that_contains_itself() -> None:
    reference = {"$ref": "#/components/schemas/Node"}
    assert definition_of(Node) == {
        "title": "Node",
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "next": {"anyOf": [reference, {"type": "null"}]},
            "children": {"type": "array", "items": reference},
        },
        "additionalProperties": False,
        "required": ["value"],
    }


def test_where_nothing_is_required_nothing_is_said() -> None:
    assert "required" not in definition_of(Optionals)


def test_an_attrs_class_has_the_names_of_its_init() -> None:
    definition = definition_of(Point)
    assert definition["properties"] == {
        "x": {"type": "integer"},
        "y": {"type": "number"},
    }
    assert definition["required"] == ["x"]


def test_fields_need_no_types() -> None:
    assert definition_of(Untyped)["properties"] == {"anything": {}}


def test_a_typed_dict() -> None:
    assert definition_of(Later)["properties"] == {
        "title": {"type": "string"},
        "color": {"enum": ["red", 2]},
        "year": {"type": "integer"},
    }
    assert definition_of(Later)["required"] == ["title", "color"]
    assert definition_of(Loose)["properties"]["b"] == {"type": "string"}
    assert definition_of(Loose)["required"] == ["a"]


def test_a_generic_class_promises_what_its_plain_form_does() -> None:
    schemas = Schemas()
    assert schema_of(Box[int], schemas) == {"$ref": "#/components/schemas/Box"}
    assert schemas.definitions["Box"]["properties"] == {"inside": {}}


def test_a_class_is_defined_once() -> None:
    schemas = Schemas()
    assert schema_of(Node, schemas) == schema_of(Node, schemas)
    assert list(schemas.definitions) == ["Node"]


def test_classes_of_one_name_are_not_mixed_up() -> None:
    first = Node

    @dataclass
    class Other:
        text: str

    Other.__name__ = "Node"
    schemas = Schemas()
    assert schema_of(first, schemas) == {"$ref": "#/components/schemas/Node"}
    assert schema_of(Other, schemas) == {"$ref": "#/components/schemas/Node_2"}
    assert schemas.definitions["Node_2"]["properties"] == {"text": {"type": "string"}}
    Another: Any = dataclass(type("Node", (), {}))
    assert schema_of(Another, schemas) == {"$ref": "#/components/schemas/Node_3"}


def test_schemas_are_not_shared() -> None:
    schemas = Schemas()
    schemas.of(int)["default"] = 1
    schemas.of(datetime)["default"] = 1
    assert schemas.of(int) == {"type": "integer"}
    assert "default" not in schemas.of(datetime)


def test_what_fits_the_schema_fits_the_class() -> None:
    schemas = Schemas()
    document = {**schemas.of(Node), "components": {"schemas": schemas.definitions}}
    validator = Draft7Validator(document)
    assert validator.is_valid({"value": 1, "next": {"value": 2}, "children": [{"value": 3}]})
    assert not validator.is_valid({"value": 1, "next": {"value": "2"}})
    assert not validator.is_valid({"value": 1, "unknown": 1})
    assert not validator.is_valid({})
