from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import sys
import types
import typing
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NewType, TypedDict

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from bridgekit.data import StructureError, structure
from bridgekit.wire.plain import default


class Colour(enum.Enum):
    RED = "r"
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int
    y: list[float]
    names: dict[int, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Other:
    z: int


@attrs.define
class Shape:
    at: Point
    when: dt.datetime | None = None
    more: list[Point] = attrs.Factory(list)


class Pair(NamedTuple):
    a: int
    b: str


class Defaulted(NamedTuple):
    a: int
    b: int = 2


@attrs.define
class Empty:
    pass


class Plain:
    pass


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Gappy(enum.Flag):
    BOTH = 3


class Options(TypedDict, total=False):
    depth: int
    name: str


Age = NewType("Age", int)
NOW = dt.datetime(2024, 2, 29, 12, 30, 5, 7, tzinfo=dt.UTC)
ID = uuid.UUID("12345678123456781234567812345678")

FITS: list[tuple[Any, Any, Any]] = [
    (1, int, 1), ("x", str, "x"), (True, bool, True), (1, float, 1.0), (None, None, None),
    ("r", Colour, Colour.RED), (1, Colour, Colour.ONE), (Colour.RED, Colour, Colour.RED),
    ({"x": 1, "y": [1]}, Point, Point(1, [1.0])),
    ({"x": 1, "y": [], "names": {"7": "seven"}}, Point, Point(1, [], {7: "seven"})),
    ({"at": {"x": 1, "y": []}, "when": NOW.isoformat()}, Shape, Shape(Point(1, []), NOW)),
    ([1, "a"], Pair, Pair(1, "a")), ({"depth": 1}, Options, {"depth": 1}), (3, Age, 3),
    ([1, 1], set[int], {1}), ([1], frozenset[int], frozenset([1])), ([1, 2], tuple[int, ...], (1, 2)),
    ([1, "a"], tuple[int, str], (1, "a")), ([1], Sequence[int], [1]), ([1], list, [1]),
    ({"a": 1}, Mapping[str, int], {"a": 1}), ({"a": 1}, dict, {"a": 1}),
    ("2024-02-29", dt.date, dt.date(2024, 2, 29)), (dt.date(2024, 2, 29), dt.date, dt.date(2024, 2, 29)),
    ("12:30:00", dt.time, dt.time(12, 30)), (1.5, dt.timedelta, dt.timedelta(seconds=1.5)),
    (dt.timedelta(1), dt.timedelta, dt.timedelta(1)), ("1.50", decimal.Decimal, decimal.Decimal("1.50")),
    (3, decimal.Decimal, decimal.Decimal(3)), (str(ID), uuid.UUID, ID),
    ("/a/b", pathlib.Path, pathlib.Path("/a/b")), (pathlib.Path("/a"), pathlib.Path, pathlib.Path("/a")),
    ("a", pathlib.PurePosixPath, pathlib.PurePosixPath("a")),
    ("aGk=", bytes, b"hi"), (b"raw", bytes, b"raw"), ("aGk=", bytearray, bytearray(b"hi")),
    ("x", Literal["x", 1], "x"), ("r", Literal[Colour.RED], Colour.RED),
    ({"z": 1}, Point | Other, Other(1)), (None, typing.Optional[Point], None),  # noqa: UP045
    ("2024-02-29", int | dt.date, dt.date(2024, 2, 29)), (5, int | dt.date, 5), (None, int | dt.date | None, None),
    ({"any": [1]}, Any, {"any": [1]}), ([1], Defaulted, Defaulted(1)), ([1, 3], Defaulted, Defaulted(1, 3)),
    ([], tuple[()], ()), ([1], tuple, (1,)), ([1], typing.Tuple, (1,)), ({}, Empty, Empty()),  # noqa: UP006
    (3, Access, Access.READ | Access.WRITE), (0, Access, Access(0)), (1, Access, Access.READ),
    (3, Gappy, Gappy.BOTH), ({"3": 1}, dict[Access, int], {Access.READ | Access.WRITE: 1}),
    ({"r": 1, "1": 2}, dict[Colour, int], {Colour.RED: 1, Colour.ONE: 2}),
    ([1, "a"], tuple[object, ...], (1, "a")),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind", "made"), FITS, ids=repr)
def test_what_fits_becomes_the_type(value: Any, kind: Any, made: Any) -> None:
    result = structure(value, kind)
    assert result == made
    assert type(result) is type(made)


MISFITS: list[tuple[Any, Any, str, str]] = [
    ("1", int, "", "expected int, got '1' (str)"), (True, int, "", "expected int, got True (bool)"),
    (1, bool, "", "expected bool"), (1, str, "", "expected str"), (1.5, int, "", "expected int"),
    ("1", float, "", "expected float"), (10**400, float, "", "too large"),
    ("x", Colour, "", "expected one of 'r', 1"), (True, Colour, "", "expected one of"),
    ({"x": "1", "y": []}, Point, ".x", "expected int, got '1' (str)"),
    ({"y": []}, Point, ".x", "it is required, and missing"),
    ({"x": 1, "y": [], "z": 2}, Point, "", "extra fields found (z)"),
    ({"x": 1, "y": "abc"}, Point, ".y", "expected a list"), ({"x": 1, "y": [1, "b"]}, Point, ".y[1]", "float"),
    ({"at": {"x": 1, "y": []}, "more": [{"x": 1, "y": []}, {"x": 1, "y": ["q"]}]}, Shape, ".more[1].y[0]", "float"),
    ({"depth": "1"}, Options, ".depth", "expected int"), ("3", Age, "", "expected int"),
    ({"x": "a"}, dict[int, str], "", "integers as keys"), ([], dict[str, int], "", "expected an object"),
    ({"a": {"x": "1", "y": []}}, dict[str, Point], "['a'].x", "expected int"),
    ([1], tuple[int, str], "", "expected a list of 2"), ("abc", list[str], "", "expected a list"),
    ({}, list[int], "", "expected a list"), ("zz", uuid.UUID, "", "expected a UUID"),
    (1, uuid.UUID, "", "expected a UUID"), ("zz", decimal.Decimal, "", "expected a decimal number"),
    ("zz", dt.datetime, "", "ISO 8601"), ("zz", dt.date, "", "ISO 8601"), (1, dt.date, "", "ISO 8601"),
    ("zz", dt.time, "", "ISO 8601"), ("1", dt.timedelta, "", "number of seconds"),
    (1e300, dt.timedelta, "", "number of seconds"), (1, pathlib.Path, "", "a path as text"),
    ("a\0b", pathlib.Path, "", "a path as text"), ("a", bytes, "", "base64"), (1, bytes, "", "base64"),
    ("z", Literal["x", 1], "", "expected one of 'x', 1"), (True, Literal["x", 1], "", "expected one of"),
    ("x" * 99, int | dt.date, "", "expected int or date, got 'xxx"),
    (1, np.ndarray, "", "expected an array as a list"), (1, typing.Callable, "", "the annotation Callable cannot be filled from what is sent"),
    ([1], complex, "", "the annotation complex cannot be filled from what is sent; use another annotation, or none"),
    ([{}], list[Plain], "[0]", "the annotation Plain cannot be filled"),
    ([1], Point, "", "expected an object with the fields of Point (x, y, names), got [1] (list)"),
    (7, Shape, "", "expected an object with the fields of Shape (at, when, more), got 7 (int)"),
    ({"at": 1}, Shape, ".at", "expected an object with the fields of Point"),
    ([1], Point | Other, "", "expected an object with the fields of one of the classes"),
    ([1], Empty, "", "expected an object with the fields of Empty (none)"),
    ([], Defaulted, "", "expected a list of 1 to 2"), ([1, 2, 3], Defaulted, "", "expected a list of 1 to 2"),
    ("x", Defaulted, "", "expected a list, got 'x'"), ([1], Pair, "", "expected a list of 2"),
    ([1], tuple[()], "", "expected a list of 0"), ([1], typing.Tuple[()], "", "expected a list of 0"),  # noqa: UP006
    (4, Access, "", "expected a combination of 1, 2"), (-1, Access, "", "expected a combination of"),
    ("1", Access, "", "expected a combination of"), (True, Access, "", "expected a combination of"),
    (1, Gappy, "", "expected a combination of"),
    ({"2": 0}, dict[Colour, int], "['2']", "expected one of 'r', 1, got 2"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind", "place", "why"), MISFITS, ids=repr)
def test_what_does_not_fit_is_refused_by_place(value: Any, kind: Any, place: str, why: str) -> None:
    with pytest.raises(StructureError) as caught:
        structure(value, kind)
    assert caught.value.place == place
    assert why in caught.value.why
    assert str(caught.value) == f"{place.lstrip('.') or 'the value'}: {caught.value.why}"


def test_arrays_are_made_of_lists() -> None:
    made = structure([[1, 2], [3, 4]], np.ndarray)
    assert made.shape == (2, 2)
    assert structure(made, np.ndarray) is made


@given(
    st.builds(
        Shape,
        st.builds(Point, st.integers(), st.lists(st.floats(allow_nan=False, allow_infinity=False))),
        st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    )
)
def test_what_is_sent_comes_back(shape: Shape) -> None:
    assert structure(plain(shape), Shape) == shape


def plain(value: Any) -> Any:
    """What the wire makes of a value."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return plain(default(value))


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    assert default(data) == base64.b64encode(data).decode()
    assert structure(default(data), bytes) == data


# --- types that are built on others -----------------------------------------------------------


class Word(str, enum.Enum):  # noqa: UP042 - as people write it
    ADA = "ada"


class Level(enum.IntEnum):
    LOW = 1


class Day(dt.date, enum.Enum):
    LEAP = 2024, 2, 29


class UserId(int):
    pass


@attrs.define
class Checked:
    x: int = attrs.field(validator=attrs.validators.ge(0))

    def __attrs_post_init__(self) -> None:
        if self.x == 13:
            raise KeyError("thirteen")
        if self.x == 14:
            raise ValueError


@pytest.mark.parametrize(
    ("value", "kind", "made"),
    [("ada", Word, Word.ADA), (1, Level, Level.LOW), (5, UserId, UserId(5))],
)
def test_an_enum_of_text_or_numbers_is_an_enum(value: Any, kind: Any, made: Any) -> None:
    assert structure(value, kind) == made
    assert type(structure(value, kind)) is kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [("bob", Word), (7, Level), (True, Level), ("2024-01-01", Day), ("5", UserId)],
)
def test_what_is_no_member_is_refused(value: Any, kind: Any) -> None:
    with pytest.raises(StructureError, match=r"expected (one of|int)"):
        structure(value, kind)


@pytest.mark.parametrize("kind", [float | int, int | float, float | int | str])
def test_a_whole_number_stays_one_where_it_may(kind: Any) -> None:
    assert type(structure(3, kind)) is int
    assert type(structure(3.0, kind)) is float


def test_a_date_or_a_float_may_be_whole() -> None:
    assert type(structure(3, dt.date | float)) is float


@pytest.mark.parametrize("key", ["01", " 1", "1_0", "+1", "-0"])
def test_a_number_as_a_key_has_one_spelling(key: str) -> None:
    assert structure({"-10": "x"}, dict[int, str]) == {-10: "x"}
    with pytest.raises(StructureError, match="integers as keys"):
        structure({key: "x"}, dict[int, str])


@pytest.mark.parametrize(
    ("x", "why"), [(-1, "'x' must be >= 0: -1"), (13, "'thirteen'"), (14, "invalid value")]
)
def test_the_authors_own_checks_speak(x: int, why: str) -> None:
    with pytest.raises(StructureError) as caught:
        structure({"x": x}, Checked)
    assert caught.value.why == why


def test_a_value_that_looks_like_a_place_is_none() -> None:
    with pytest.raises(StructureError) as caught:
        structure({"a": ["x @ $.b"]}, dict[str, list[int]])
    assert caught.value.place == "['a'][0]"
    assert caught.value.why == "expected int, got 'x @ $.b' (str)"


def test_names_quoted_inside_the_hints_of_fields_are_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a module made here, for every hint of this file is text as a whole."""
    module = types.ModuleType("quoted")
    monkeypatch.setitem(sys.modules, "quoted", module)
    namespace = vars(module)
    exec(QUOTED, namespace)
    assert structure({"kids": [{"kids": []}], "one": {}}, namespace["Tree"]).kids[0].kids == []
    assert structure({"by": {"a": {"by": {}}}}, namespace["Bush"]).by["a"].by == {}
    with pytest.raises(StructureError) as caught:
        structure({"kids": [{"kids": [3]}]}, namespace["Tree"])
    assert caught.value.place == ".kids[0].kids[0]"
    with pytest.raises(StructureError, match="Unheard"):
        structure({"x": [1]}, namespace["Lost"])


QUOTED = """
import dataclasses, typing, attrs

@dataclasses.dataclass
class Tree:
    kids: list["Tree"] = dataclasses.field(default_factory=list)
    one: typing.Optional["Tree"] = None

@attrs.define
class Bush:
    by: typing.Dict[str, "Bush"] = attrs.field(factory=dict)

@dataclasses.dataclass
class Lost:
    x: list["Unheard"]
"""
