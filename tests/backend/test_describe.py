"""The description of a backend is an OpenRPC document, and says what the author wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from bridgekit import PythonBridge, expose
from bridgekit._version import __version__ as OURS
from bridgekit.backend.describe import describe, documentation, signature_text
from bridgekit.backend.dispatch import Method, build_table
from tests.backend.conftest import Start

CONTENT = {
    "type": "object",
    "required": ["name", "schema"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "summary": {"type": "string"},
        "description": {"type": "string"},
        "required": {"type": "boolean"},
        "schema": {"$ref": "http://json-schema.org/draft-07/schema#"},
        "deprecated": {"type": "boolean"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}

OPENRPC = {
    "type": "object",
    "required": ["openrpc", "info", "methods"],
    "properties": {
        "openrpc": {"type": "string", "pattern": r"^1\.3\.\d+$"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "properties": {
                name: {"type": "string"} for name in ("title", "version", "description")
            },
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        },
        "methods": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "params"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "summary": {"type": "string"},
                    "description": {"type": "string"},
                    "params": {"type": "array", "items": CONTENT},
                    "result": CONTENT,
                    "paramStructure": {"enum": ["by-name", "by-position", "either"]},
                },
                "patternProperties": {"^x-": {}},
                "additionalProperties": False,
            },
        },
        "components": {
            "type": "object",
            "properties": {
                "schemas": {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[0-9a-zA-Z-_]+$"},
                    "additionalProperties": {"$ref": "http://json-schema.org/draft-07/schema#"},
                }
            },
            "additionalProperties": False,
        },
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}
"""The rules of https://spec.open-rpc.org for what a description of ours may hold."""


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def check(document: Any) -> None:
    """Hold a document against the rules, those included that a schema cannot say."""
    Draft7Validator(OPENRPC).validate(document)
    names = [method["name"] for method in document["methods"]]
    assert names == sorted(set(names))
    for method in document["methods"]:
        params = [each["name"] for each in method["params"]]
        assert len(params) == len(set(params))
        required = [each["required"] for each in method["params"]]
        assert required == sorted(required, reverse=True), "a required one follows an optional one"
    for reference in references(document):
        name = reference.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"]


@dataclass
class Point:
    x: int
    y: int = 0


class Everything(PythonBridge):
    """Has one of each.

    indented
    """

    __version__ = "2.1"

    def nothing(self):  # type: ignore[no-untyped-def]
        pass

    def add(self, a: int, b: int = 1) -> int:
        """Add two numbers
        and say so.

        At length.
        """
        return a + b

    def mixed(self, *args: int, key: str, other: str | None = None, **more: Any) -> None: ...

    def rest(self, a, *rest) -> None: ...  # type: ignore[no-untyped-def]

    def keyword(self, a: int = 1, *, b: bool) -> None: ...

    def points(self, first: Point, more: list[Point]) -> dict[str, Point]:
        return {}

    def choice(self, of: Literal["a", "b"] = "a", untyped={"k": [1, None, 0.5]}) -> None: ...  # type: ignore[no-untyped-def] # noqa: B006

    def odd_defaults(
        self,
        a: float = float("inf"),
        b: Any = object(),  # noqa: B008
        c: Any = [[[[[[1]]]]]],  # noqa: B006
        d: Any = {1: 2},  # noqa: B006
        e: Any = "x" * 100,
    ) -> None: ...

    def items(self) -> Iterator[int]:
        yield 1

    async def soon(self) -> None: ...

    async def items_soon(self) -> AsyncIterator[int]:
        yield 1

    @expose(name="x/y", concurrent=True, idempotent=True)
    def renamed(self) -> None: ...


def table(cls: type[PythonBridge]) -> dict[str, Method]:
    return build_table(cls(), PythonBridge)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(Everything, table(Everything))


@pytest.fixture(scope="module")
def methods(document: dict[str, Any]) -> dict[str, Any]:
    return {method["name"]: method for method in document["methods"]}


def test_it_is_an_openrpc_document(document: dict[str, Any]) -> None:
    check(document)
    check(json.loads(json.dumps(document, allow_nan=False)))
    assert document["info"] == {
        "title": "Everything",
        "version": "2.1",
        "description": "Has one of each.\n\nindented",
    }
    assert document["x-bridgekit"] == OURS
    assert set(document["components"]["schemas"]) == {"Point"}


def test_an_empty_backend_is_described() -> None:
    class Bare(PythonBridge):
        pass

    document = describe(Bare, table(Bare))
    check(document)
    assert document == {
        "openrpc": "1.3.2",
        "info": {"title": "Bare", "version": "0.0.0"},
        "methods": [],
        "x-bridgekit": OURS,
    }


def test_the_version_may_be_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    class Versioned(PythonBridge):
        pass

    monkeypatch.setattr(sys.modules[__name__], "__version__", "7.7", raising=False)
    assert describe(Versioned, {})["info"]["version"] == "7.7"
    monkeypatch.setattr(Versioned, "__version__", 3, raising=False)
    assert describe(Versioned, {})["info"]["version"] == "7.7"


def test_parameters_and_results(methods: dict[str, Any]) -> None:
    assert methods["add"] == {
        "name": "add",
        "summary": "Add two numbers and say so.",
        "description": "Add two numbers\nand say so.\n\nAt length.",
        "params": [
            {"name": "a", "required": True, "schema": {"type": "integer"}},
            {"name": "b", "required": False, "schema": {"type": "integer", "default": 1}},
        ],
        "result": {"name": "result", "schema": {"type": "integer"}},
        "paramStructure": "either",
        "x-signature": "add(a: int, b: int = 1) -> int",
    }
    assert methods["nothing"] == {
        "name": "nothing",
        "params": [],
        "result": {"name": "result", "schema": {}},
        "paramStructure": "either",
        "x-signature": "nothing()",
    }


def test_required_parameters_come_first(methods: dict[str, Any]) -> None:
    keyword = methods["keyword"]
    assert [each["name"] for each in keyword["params"]] == ["b", "a"]
    assert keyword["paramStructure"] == "by-name"


def test_only_plain_defaults_are_told(methods: dict[str, Any]) -> None:
    choice = {each["name"]: each for each in methods["choice"]["params"]}
    assert choice["of"]["schema"] == {"enum": ["a", "b"], "default": "a"}
    assert choice["untyped"]["schema"] == {"default": {"k": [1, None, 0.5]}}
    odd = {each["name"]: each["schema"] for each in methods["odd_defaults"]["params"]}
    assert [name for name, schema in odd.items() if "default" in schema] == ["e"]


def test_classes_are_gathered(methods: dict[str, Any]) -> None:
    reference = {"$ref": "#/components/schemas/Point"}
    first, more = (each["schema"] for each in methods["points"]["params"])
    assert first == reference
    assert more == {"type": "array", "items": reference}
    assert methods["points"]["result"]["schema"]["additionalProperties"] == reference


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("add", set()),
        ("items", {"x-stream"}),
        ("soon", {"x-concurrent"}),
        ("items_soon", {"x-stream", "x-concurrent"}),
        ("x/y", {"x-concurrent", "x-idempotent"}),
        ("mixed", {"x-additional-params"}),
        ("rest", {"x-additional-params"}),
    ],
)
def test_marks_are_extensions(methods: dict[str, Any], name: str, marks: set[str]) -> None:
    told = {key for key in methods[name] if key.startswith("x-")}
    assert told == marks | {"x-signature"}
    assert all(methods[name][mark] is True for mark in marks)


# --- texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing", "nothing()"),
        ("mixed", "mixed(*args, key: str, other: str | None = None, **more) -> None"),
        ("rest", "rest(a, *rest) -> None"),
        ("keyword", "keyword(a: int = 1, *, b: bool) -> None"),
        (
            "choice",
            "choice(of: Literal[\"a\", \"b\"] = 'a', untyped={'k': [1, None, 0.5]}) -> None",
        ),
        ("items", "items() -> Iterator[int]"),
        ("x/y", "x/y() -> None"),
    ],
)
def test_signatures_are_written_as_people_do(name: str, text: str) -> None:
    written = signature_text(table(Everything)[name])
    assert written.replace('"', "'") == text.replace('"', "'")


def test_long_defaults_are_cut() -> None:
    text = signature_text(table(Everything)["odd_defaults"])
    assert f"e: Any = '{'x' * 36}...) -> None" in text


def test_hints_that_are_no_text_are_put_into_words() -> None:
    def method(self: Any, a: Any, b: Any) -> None: ...

    method.__annotations__ = {"a": int | None, "b": list[str], "return": None}
    cls: Any = type("Made", (PythonBridge,), {"method": method})
    assert signature_text(table(cls)["method"]) == "method(a: int | None, b: list[str]) -> None"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, ""),
        ("", ""),
        (" \n ", ""),
        ("One line.", "One line."),
        ("\n    First.\n\n    Second.\n    ", "First.\n\nSecond."),
        ("First.\n\n        Deep.\n    Less.\n", "First.\n\n    Deep.\nLess."),
        ("First.\n\tTab.", "First.\nTab."),
        (3, ""),
    ],
)
def test_docstrings_lose_their_indentation(text: Any, told: str) -> None:
    def function() -> None: ...

    cls = type("Documented", (), {"__doc__": text})
    assert documentation(cls) == told
    if not isinstance(text, int):
        function.__doc__ = text
        assert documentation(function) == told


def test_the_docstring_of_a_base_class_is_not_ones_own() -> None:
    class Silent(Everything):
        pass

    assert documentation(Silent) == ""


# --- from a real backend ----------------------------------------------------------------------


def test_a_backend_describes_itself(start: Start) -> None:
    host = start('def add(self, a: int, b: int = 1) -> int:\n    """Add."""\n    return a + b')
    document = host.call("$/describe")
    check(document)
    assert document["info"]["title"] == "B"
    assert [method["name"] for method in document["methods"]] == ["add"]
