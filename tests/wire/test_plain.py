"""Plain forms of library values, and the place of what has none."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import sys
import types
import uuid
from typing import Any

import attrs
import pytest

from bridgekit.wire.plain import (
    default,
    default_binary,
    find_bad,
    kind_name,
    refused_by_json,
    with_text_keys,
)


@dataclasses.dataclass
class Data:
    x: int
    y: Any = dataclasses.field(default=None, repr=False)
    kind: dataclasses.InitVar[int] = 0


@attrs.frozen
class Attrs:
    x: int
    y: Any = None


class Colour(enum.Enum):
    RED = "red"


class Mapping(collections.UserDict):  # type: ignore[type-arg]
    pass


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class PathLike:
    def __fspath__(self) -> str:
        return "/a"


UTC = datetime.UTC

PLAIN = [
    (Data(1, [2]), {"x": 1, "y": [2]}),
    (Attrs(1), {"x": 1, "y": None}),
    (Colour.RED, "red"),
    (datetime.datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC), "2024-02-03T04:05:06+00:00"),
    (datetime.date(2024, 2, 3), "2024-02-03"),
    (datetime.time(4, 5), "04:05:00"),
    (datetime.timedelta(minutes=1, milliseconds=500), 60.5),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (PathLike(), "/a"),
    (b"\0\xff", "AP8="),
    (bytearray(b"ab"), "YWI="),
    (memoryview(b"ab"), "YWI="),
    ({1}, [1]),
    (frozenset([2]), [2]),
    ((1, 2), [1, 2]),
    (collections.deque([1, 2]), [1, 2]),
    (Mapping(a=1), {"a": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    (range(3), [0, 1, 2]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.namedtuple("Point", "x y")(1, 2), [1, 2]),
    (Text("kept"), "kept"),
    (enum.IntEnum("Number", "ONE").ONE, 1),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize(("value", "expected"), PLAIN, ids=lambda v: type(v).__name__)
def test_plain_forms(value: Any, expected: Any) -> None:
    plain = default(value)
    assert plain == expected
    assert type(plain) is type(expected)


@pytest.mark.parametrize("value", [object(), 1j, len, (x for x in ()), Data, UTC])
def test_what_has_none(value: Any) -> None:
    with pytest.raises(TypeError, match="is not a type the wire knows"):
        default(value)


def test_a_binary_codec_needs_no_plain_form_of_bytes() -> None:
    assert default_binary(Data(1, b"x")) == {"x": 1, "y": b"x"}


def test_numpy_is_known_where_it_is_loaded() -> None:
    numpy = pytest.importorskip("numpy")
    assert default(numpy.int32(5)) == 5 and type(default(numpy.int32(5))) is int
    assert default(numpy.float32(0.5)) == 0.5
    assert default(numpy.bool_(True)) is True
    assert default(numpy.array([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert default(numpy.array(7)) == 7
    assert type(default(numpy.float64(1.5))) is float
    assert default(numpy.str_("a")) == "a" and type(default(numpy.str_("a"))) is str
    when = numpy.datetime64("2024-01-02T03:04:05")
    assert default(default(when)) == "2024-01-02T03:04:05"
    with pytest.raises(TypeError):
        default(numpy.longdouble(1))


def test_nothing_is_imported_to_find_out() -> None:
    before = set(sys.modules)
    with pytest.raises(TypeError):
        default(object())
    assert set(sys.modules) - before == set()


NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "place", "why"),
    [
        (NAN, "", "nan is not a JSON number"),
        ({"rows": [1, 2, 3, Attrs(1, NAN)]}, ".rows[3].y", "nan"),
        ({"a b": [{"c": float("-inf")}]}, "['a b'][0].c", "-inf"),
        ([{1, 2}, {3, object()}], None, "object has no plain form"),
        ({"ok": 1, (1, 2): 3}, "", "the key (1, 2) is of type tuple"),
        ({"a": {NAN: 1}}, ".a", "nan"),
        ({datetime.timedelta(1): 1}, "", "is of type datetime.timedelta; keys must be text"),
        ({Colour.RED: object()}, None, "object has no plain form"),
        ([10**5000], "[0]", "4300 digits"),
        ({"a": Colour}, ".a", "no plain form"),
        ({5: {None: {True: object()}}}, "[5][None][True]", "no plain form"),
    ],
)
def test_the_place_of_what_cannot_be_sent(value: Any, place: str | None, why: str) -> None:
    found, reason = find_bad(value, 128)
    assert why in reason
    if place is not None:
        assert found == place


def test_values_that_can_be_sent() -> None:
    for value in (None, True, 1, 1.5, "a", "\ud800", [], {}, {1: 2}, [Data(1, {2})], (1, (2,))):
        assert find_bad(value, 128) == ("", "")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_the_depth_of_containers_counts() -> None:
    assert find_bad(nested(128), 128) == ("", "")
    place, why = find_bad(nested(129), 128)
    assert "128 levels" in why and place.startswith("[0][0]") and len(place) <= 103
    assert "limit of 128 levels of its whole frame" in find_bad(nested(126), 125, around=3)[1]
    loop: list[Any] = []
    loop += [loop, loop]
    assert "128 levels" in find_bad(loop, 128)[1]


def test_a_plain_form_that_never_becomes_plain_ends() -> None:
    assert "levels" in find_bad(object(), 16, lambda value: object())[1]


def test_a_long_list_costs_no_place_for_each_item() -> None:
    assert find_bad([0.5] * 300_000 + [NAN], 128)[0] == "[300000]"


def test_names_of_types() -> None:
    assert kind_name(dict) == "dict"
    assert kind_name(uuid.UUID) == "uuid.UUID"


def test_leaves_of_json() -> None:
    assert refused_by_json("x") == refused_by_json(5) == refused_by_json(1e308) == ""
    assert refused_by_json(float("inf")) == "inf is not a JSON number"


def test_without_the_abstract_classes_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "_collections_abc")
    assert default(collections.deque([1])) == [1]
    with pytest.raises(TypeError):
        default(range(3))


class Odd(enum.Enum):
    DAY = datetime.date(2024, 2, 3)
    TWO = 2
    TRUE = True
    HALF = 0.5
    PAIR = (1, 2)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("a", "a"), (Text("kept"), "kept"), (5, "5"), (True, "true"), (None, "null"), (0.5, "0.5"),
        (Colour.RED, "red"), (Odd.TWO, "2"), (Odd.DAY, "2024-02-03"), (uuid.UUID(int=0), str(uuid.UUID(int=0))),
        (enum.IntEnum("Number", "ONE").ONE, "1"),  # type: ignore[attr-defined]
        (datetime.date(2024, 2, 3), "2024-02-03"), (decimal.Decimal("1.10"), "1.10"),
        (pathlib.PurePosixPath("/a"), "/a"),
    ],
)  # fmt: skip
def test_keys_stand_as_values_of_their_type_do(key: Any, text: str) -> None:
    assert with_text_keys({key: [Data(1, {key: (1,)})]}, default, 5) == {
        text: [{"x": 1, "y": {text: [1]}}]
    }
    assert find_bad({key: 1}, 5) == ("", "")


@pytest.mark.parametrize(
    "key", [Odd.TRUE, Odd.HALF, Odd.PAIR, NAN, (1, 2), datetime.timedelta(1), object(), Data]
)
def test_keys_that_have_no_text_are_refused(key: Any) -> None:
    with pytest.raises(TypeError):
        with_text_keys({key: 1}, default, 5)
    assert find_bad({key: 1}, 5)[1]


def test_text_keys_keep_to_the_depth_and_leave_leaves_alone() -> None:
    assert with_text_keys({1: b"x"}, default, 5, (bytes,)) == {"1": b"x"}
    assert with_text_keys({1: b"x"}, default, 5) == {"1": "eA=="}
    with pytest.raises(ValueError, match="too deep"):
        with_text_keys(nested(6), default, 5)
