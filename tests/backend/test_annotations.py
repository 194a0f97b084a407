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


@pytest.mark.parametrize(
    ("annotation", "fits", "misfit", "expected"),
    [
        (typing.List, [1, "x"], {}, "list"),
        (typing.Dict, {"a": 1}, [], "dict"),
        (Optional[typing.List], [1], {}, "List or None"),
        (typing.List[typing.List], [[1], ["x"]], [1], "list"),  # type: ignore[type-arg]
        (typing.Dict[str, typing.Dict], {"a": {}}, {"a": 1}, "dict"),  # type: ignore[type-arg]
    ],
)
def test_bare_names_of_typing_hold_anything(
    annotation: Any, fits: Any, misfit: Any, expected: str
) -> None:
    assert check(annotation)(fits) == fits
    with pytest.raises(Mismatch) as caught:
        check(annotation)(misfit)
    assert caught.value.expected == expected


class Node(int):
    pass


class Holder:
    class Inner(int):
        pass

    Alias = typing.List["Inner"]

    def Node(self) -> None:  # a method is no type
        ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    ("annotation", "meant"),
    [
        (Optional["Node"], Optional[Node]),
        (list["Node"], list[Node]),
        (typing.List["Node"], typing.List[Node]),
        (typing.Dict[str, "Node"], typing.Dict[str, Node]),
        (dict[str, list["Node"]] | None, dict[str, list[Node]] | None),
        (Union[int, "str"], Union[int, str]),
        (Union[int, "None"], Union[int, None]),
        (tuple["Node", ...], tuple[Node, ...]),
        (typing.Annotated["Node", "words"], typing.Annotated[Node, "words"]),
        (Literal["Node"], Literal["Node"]),
        (list[Literal["Node"]], list[Literal["Node"]]),
        ("Inner", Holder.Inner),
        (list["Inner"], list[Holder.Inner]),  # type: ignore[name-defined]  # noqa: F821
        ("Alias", typing.List[Holder.Inner]),
    ],
)
def test_names_quoted_inside_are_looked_up_too(annotation: Any, meant: Any) -> None:
    assert resolve(annotation, Holder.method) == meant


Json = Union[int, typing.List["Json"]]


def test_an_alias_that_holds_itself_ends() -> None:
    assert check("Json")([1, [2]]) == [1, [2]]
    with pytest.raises(Mismatch):
        check(Json)(["x"])


@pytest.mark.parametrize(
    "annotation",
    [list["Unheard"], Optional["Unheard"], set["Unheard"], typing.Set["Unheard"]],  # type: ignore[name-defined]  # noqa: F821
)
def test_a_quoted_name_that_nobody_knows_is_not_checked(annotation: Any) -> None:
    resolved = resolve(annotation, check)
    found = check_for(resolved)
    assert found is None or list(found([1, "x"])) in ([1, "x"], ["x", 1])


def test_without_typing_an_unknown_name_inside_is_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "typing")
    assert resolve(list["Unheard"], check) == list[object]  # type: ignore[name-defined]  # noqa: F821


def test_a_hint_that_cannot_be_put_together_again_promises_nothing() -> None:
    class Odd:
        __args__ = ("int",)

    assert resolve(Odd(), check) is UNKNOWN


class Outer:
    class Deep:
        class Leaf:
            pass

        def method(self) -> None: ...


def test_a_class_inside_a_class_is_found_by_its_methods() -> None:
    assert resolve("Leaf", Outer.Deep.method) is Outer.Deep.Leaf
