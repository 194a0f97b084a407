# ruff: noqa: UP006, UP007, UP045 - the old spellings are what is tested
from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, Literal, Optional, TypeVar, Union

import pytest

from bridgekit import BridgeError
from bridgekit.backend.annotations import (
    UNKNOWN,
    Mismatch,
    alternatives_of,
    check_for,
    describe,
    resolve,
)

T = TypeVar("T")


def check(annotation: Any) -> Callable[[Any], Any]:
    found = check_for(resolve(annotation, check))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 1), (str, "x"), (bool, True), (list, [1]), (dict, {}), (float, 1.5), (None, None),
        ("int", 1), ("int | None", None), ("list[int]", [1, 2]), (Optional[int], 3),
        (Union[int, str], "x"), (dict[str, int], {"a": 1}), (Literal["a", 1], 1),
        (bytes, b"raw"), (list[dict[str, list[bool]]], [{"a": [True]}]), (Union[int, float], 3),
    ],
)  # fmt: skip
def test_what_fits_passes_unchanged(annotation: Any, value: Any) -> None:
    passed = check(annotation)(value)
    assert passed == value
    assert type(passed) is type(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, True), (int, 1.0), (int, "1"), (int, None), (str, 1), (bool, 1), (float, "1"),
        (float, True), (list, {}), (dict, []), (None, 0), (bytes, "no base64!"), (bytes, "aGk"),
        ("int | None", "x"), (Optional[int], True), (Union[int, str], 1.5), (Literal["a", 1], True),
        (Literal["a", 1], "b"), (bytes, 3), (float, 10**400),
    ],
)  # fmt: skip
def test_nothing_is_converted_silently(annotation: Any, value: Any) -> None:
    with pytest.raises(Mismatch):
        check(annotation)(value)


def test_an_int_is_accepted_for_a_float_and_becomes_one() -> None:
    passed = check(float)(3)
    assert type(passed) is float


def test_base64_text_is_accepted_for_bytes() -> None:
    assert check(bytes)("aGk=") == b"hi"


@pytest.mark.parametrize(
    ("annotation", "value", "place"),
    [
        (list[int], [1, "x"], "[1]"),
        (dict[str, int], {"a": "x"}, "['a']"),
        (list[dict[str, int]], [{}, {"k": None}], "[1]['k']"),
        (Optional[list[int]], [1.5], "[0]"),
    ],
)
def test_the_place_of_what_does_not_fit_is_named(annotation: Any, value: Any, place: str) -> None:
    with pytest.raises(Mismatch) as caught:
        check(annotation)(value)
    assert caught.value.place == place


@pytest.mark.parametrize(
    "annotation", [Any, object, T, "Any", "Unheard", "no good!", Union[int, Any]]
)
def test_what_promises_nothing_is_not_checked(annotation: Any) -> None:
    assert check_for(resolve(annotation, check)) is None


def test_names_are_looked_up_where_the_method_stands() -> None:
    namespace: dict[str, Any] = {"int": str, "Alias": list[int]}
    exec("def method(self, a): ...", namespace)
    assert resolve("int", namespace["method"]) is str
    assert resolve("Alias", namespace["method"]) == list[int]
    assert resolve("Missing | None", namespace["method"]) is UNKNOWN
    assert resolve("'Alias'", namespace["method"]) == list[int]


def test_structured_types_go_through_data() -> None:
    import datetime

    made = check(datetime.date)("2024-02-29")
    assert made == datetime.date(2024, 2, 29)
    with pytest.raises(Mismatch) as caught:
        check(list[datetime.date])(["2024-02-29", "x"])
    assert caught.value.place == "[1]"
    assert "ISO 8601" in caught.value.why
    with pytest.raises(Mismatch):
        check(Union[int, datetime.date])("x")


def test_a_missing_package_is_named_with_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime
    import sys

    monkeypatch.delitem(sys.modules, "bridgekit.data", raising=False)
    monkeypatch.setitem(sys.modules, "cattrs", None)
    with pytest.raises(BridgeError, match=f"needs the package 'cattrs', which {sys.executable}"):
        check(datetime.date)("2024-02-29")


def test_unions_are_known_in_every_spelling() -> None:
    assert alternatives_of(Union[int, str]) == (int, str)
    assert alternatives_of(int | str) == (int, str)
    assert alternatives_of(int) is None


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        ("Later", "Later"),
        (Union[int, None], "int or None"),
        (typing.List[int], "List[int]"),
        (list[int], "list[int]"),
        (UNKNOWN, "anything"),
    ],
)
def test_annotations_are_written_as_people_do(annotation: Any, text: str) -> None:
    assert describe(annotation) == text
