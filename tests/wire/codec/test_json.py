"""JSON behaves the same whatever speaks it underneath: every test runs over all that can."""

from __future__ import annotations

import datetime
import enum
import json
import json.scanner
import math
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import DecodeError, EncodeError
from bridgekit.wire.codec import json as module
from bridgekit.wire.codec.json import Codec, _long_number

WAYS = ["orjson", "scanner", "package", "python"]


def make(way: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Codec:
    """A codec over orjson, the C scanner, the package ``json``, or that without any C."""
    if way == "orjson":
        pytest.importorskip("orjson")
    with monkeypatch.context() as patch:
        if way in ("package", "python"):
            patch.setitem(sys.modules, "_json", None)
        if way == "python":
            patch.setattr(json.scanner, "make_scanner", json.scanner.py_make_scanner)
            patch.setattr(json.decoder, "scanstring", json.decoder.py_scanstring)
            patch.setattr(json.encoder, "c_make_encoder", None)
            patch.setattr(
                json.encoder, "encode_basestring_ascii", json.encoder.py_encode_basestring_ascii
            )
        return Codec("host", fast=way == "orjson", **options)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def codec(way: str, monkeypatch: pytest.MonkeyPatch) -> Codec:
    made = make(way, monkeypatch)
    assert (made._loads is not None) == (way == "orjson")
    return made


@pytest.fixture(scope="module")
def all_codecs() -> Iterator[list[Codec]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield [make(way, monkeypatch) for way in WAYS]


class Odd(enum.Enum):
    DAY = datetime.date(2024, 2, 3)
    TWO = 2


def nested(levels: int) -> Any:
    value: Any = []
    for level in range(levels - 1):
        value = {"a": value} if level % 2 else [value]
    return value


# --- out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, -2, 2.5, True, False, None, "x"]}, '{"a":[1,-2,2.5,true,false,null,"x"]}'),
        ("é€😀\u2028", '"\\u00e9\\u20ac\\ud83d\\ude00\\u2028"'),
        ('"\\/\b\f\n\r\t\0\x1f', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f"'),
        ("\ud800", '"\\ud800"'),
        (2**53 + 1, "9007199254740993"),
        (-(2**63), "-9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "18446744073709551616"),
        (10**400, "1" + "0" * 400),
        ({1: 1, False: 2, None: 3, 1.5: 4}, '{"1":1,"false":2,"null":3,"1.5":4}'),
        ({Odd.DAY: {Odd.TWO: {3}}, 4: 5}, '{"2024-02-03":{"2":[3]},"4":5}'),
        ((1, (2,)), "[1,[2]]"),
        (-0.0, "-0.0"),
        ("null", '"null"'),
        ([], "[]"),
        ({}, "{}"),
        ("", '""'),
    ],
    ids=repr,
)
def test_the_text_of_values(codec: Codec, value: Any, text: str) -> None:
    assert codec.encode(value) == text.encode("ascii")


@pytest.mark.parametrize(
    "number", [1e16, 1e22, 5e-324, 1.7976931348623157e308, 0.1, 1e-7, -1.5e300]
)
def test_floats_keep_every_bit(codec: Codec, number: float) -> None:
    assert codec.decode(codec.encode(number)) == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused_by_place(codec: Codec, number: float) -> None:
    with pytest.raises(
        EncodeError, match=r"^result\.rows\[1\]\.x cannot be sent as JSON: .*not a"
    ) as e:
        codec.encode({"rows": [{"x": None}, {"x": number}]}, "result")
    assert e.value.place == "result.rows[1].x"
    with pytest.raises(EncodeError, match=r"^the value cannot be sent"):
        codec.encode(number)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"id": 1, "result": {"a b": object()}}, "result['a b']"),
        ({(1,): 2}, ""),
        ({Odd.TWO: object()}, "[<Odd.TWO: 2>]"),
        ({Odd.TWO: nested(200)}, None),
        ([10**5000], "[0]"),
        ({"x": {1, 2j}}, None),
    ],
)
def test_what_cannot_be_sent_is_named(codec: Codec, value: Any, place: str | None) -> None:
    with pytest.raises(EncodeError) as caught:
        codec.encode(value)
    if place is not None:
        assert caught.value.place == place


@pytest.mark.parametrize("limit", [1, 5, 128])
def test_depth_is_bounded_both_ways(way: str, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    codec = make(way, monkeypatch, max_depth=limit)
    text = codec.encode(nested(limit))
    assert codec.decode(text) == nested(limit)
    for value in (nested(limit + 1), nested(limit * 2), {"x": "]" * 300, "y": nested(limit)}):
        with pytest.raises(EncodeError, match=f"limit of {limit} levels"):
            codec.encode(value)
    if limit > 1:
        with pytest.raises(EncodeError, match=f"limit of {limit} levels"):
            codec.encode(nested(limit), "result")  # an envelope stands around it
        assert codec.encode(nested(limit - 1), "result")
    for levels in (limit + 1, 200_000):
        with pytest.raises(DecodeError) as caught:
            codec.decode(b"[" * levels + b"]" * levels)
        assert caught.value.code in ("too_deep", "decode_error")


def test_what_contains_itself_is_refused(codec: Codec) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(EncodeError):
        codec.encode({"x": loop})


def test_unknown_types_go_through_default(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    codec = make(way, monkeypatch, default=lambda value: {"made of": type(value).__name__})
    assert codec.encode([object()]) == b'[{"made of":"object"}]'


def test_subclasses_are_what_they_hold(codec: Codec) -> None:
    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "other"

    class Number(int):
        pass

    class Map(dict):  # type: ignore[type-arg]
        pass

    class List(list):  # type: ignore[type-arg]
        pass

    value = {"a": Text("kept"), "b": Number(5), "c": Map(x=1), "d": List([1])}
    assert codec.encode(value) == b'{"a":"kept","b":5,"c":{"x":1},"d":[1]}'


# --- in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b' {"a" : [ 1 , 2 ] }\r\n\t', {"a": [1, 2]}),
        (b"\xef\xbb\xbf{}", {}),
        (b'"\\ud83d\\ude00\\u00e9"', "😀é"),
        (b'"\xc3\xa9\xf0\x9f\x98\x80"', "é😀"),
        (b'"\\ud800"', "\ud800"),
        (b'"\\udc00\\ud800x"', "\udc00\ud800x"),
        (b"-0", 0),
        (b"-0.0", -0.0),
        (b"1e3", 1000.0),
        (b"1E-2", 0.01),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", 2**63),
        (b"18446744073709551616", 2**64),
        (b"-9223372036854775809", -(2**63) - 1),
        (b"1" + b"0" * 400, 10**400),
        (b'{"n":[123456789012345678901234567890]}', {"n": [123456789012345678901234567890]}),
        (b"[0.1234567890123456789012345]", [0.1234567890123456789012345]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":{"b":1},"a":{}}', {"a": {}}),
        (b"true", True),
        (b"null", None),
        (b'"\x7f"', "\x7f"),
        (b'"\\u0000"', "\0"),
        (b"1e999", math.inf),
    ],
    ids=repr,
)
def test_the_value_of_texts(codec: Codec, text: bytes, value: Any) -> None:
    got = codec.decode(text)
    assert got == value and type(got) is type(value)
    assert math.copysign(1, got) == math.copysign(1, value) if isinstance(value, float) else True


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"x", b"{", b"[1,", b"[1 2]", b"{1:2}", b"{'a':1}", b'{"a"}', b'{"a":}', b"[1,]",
        b'{"a":1,}', b"NaN", b"Infinity", b"-Infinity", b"[NaN]", b"nul", b"True", b"01", b"-01",
        b"+1", b".5", b"1.", b"1.e5", b"1e", b"-", b"--1", b"0x10", b"1_000", b'"', b'"a', b'"\n"',
        b'"\0"', b'"\x1f"', b'"\\x"', b'"\\u12"', b'"\\u12g4"', b"\xff", b'"\xff"', b'"\xc0\x80"',
        b'"\xed\xa0\x80"', b"{} {}", b"{}x", b"1 2", b"[]]", b"\0", "1\u0662".encode(),
        "\u0661".encode(), b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf1", b"\x0b1", b"\xa01",
        b"1" * 5000, b"[" + b"9" * 4301 + b"]",
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_texts_that_are_not_json(codec: Codec, text: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(text)
    assert caught.value.code == "decode_error"
    assert caught.value.data == text[:4096]
    assert len(str(caught.value)) < 600


def test_the_error_shows_where(codec: Codec) -> None:
    with pytest.raises(DecodeError, match=r"not UTF-8: byte 0xff at position 5, in .*cut"):
        codec.decode(b'{"cut\xff')
    with pytest.raises(DecodeError, match=r"begins b'\{\}x'"):
        codec.decode(b"{}x")


# --- all at once ------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=20)
FLOATS = st.floats() | st.integers(0, 2**64 - 1).map(
    lambda n: struct.unpack("<d", n.to_bytes(8, "little"))[0]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**62, 2**66) | FLOATS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS | st.integers() | st.booleans() | st.none(), inner, max_size=4)
    ),
    max_leaves=20,
)


def outcome(function: Any, argument: Any) -> Any:
    try:
        return repr(function(argument))
    except (DecodeError, EncodeError) as error:
        return type(error), error.code, getattr(error, "place", None)


@given(value=VALUES)
def test_every_value_has_the_same_fate(all_codecs: list[Codec], value: Any) -> None:
    sent = [outcome(lambda v, c=codec: c.decode(c.encode(v)), value) for codec in all_codecs]
    assert len(set(map(repr, sent))) == 1


FRAGMENTS = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", ",", ":", '"', "\\", '"a"', '"id"', "1", "-", ".5", "e9", "0", "null",
         "true", "NaN", " ", "\n", "\ufeff", "é", "\u0661", "\\ud800", "\\u00e9", "12345678901234567890"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(text=FRAGMENTS.map(str.encode) | st.binary(max_size=24))
def test_every_text_has_the_same_fate(all_codecs: list[Codec], text: bytes) -> None:
    got = [outcome(codec.decode, text) for codec in all_codecs]
    assert len(set(map(repr, got))) == 1
    fished = {repr(codec.fish_id(text)) for codec in all_codecs}
    assert len(fished) == 1


# --- the id of what cannot be read ------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "call_id"),
    [
        (b'{"id":7,"status":', 7),
        (b' { "id" : 7 , ', 7),
        (b'{"id":-7}', -7),
        (b'{"id":"a b","x', "a b"),
        (b'{"id":"\\u00e9\\"",', 'é"'),
        (b'{"id":1.5,', 1.5),
        (b'{"jsonrpc":"2.0","id":8,"method"', 8),
        (b'\t{"id":12345678901234567890123,', 12345678901234567890123),
    ],
)
def test_an_id_that_stands_first_is_found(codec: Codec, head: bytes, call_id: Any) -> None:
    assert codec.fish_id(head + b"\xff" * 100) == call_id


@pytest.mark.parametrize(
    "head",
    [
        b"", b"x", b'{"id":7', b'{"id":', b'{"id":--5,', b'{"id":-,', b'{"id":"abc', b'{"id":[1],',
        b'{"id":{"a":1},', b'{"id":null,', b'{"id":true,', b'{"cmd":"x","id":7,', b'{"a":{"id":7},',
        b'{"id" 7,', b'["id",7,', b'{"jsonrpc":"2.0","jsonrpc":"2.0","id":7,', b'{"id":"\xff",',
        b'{"id":' + b"9" * 600, b'{"id":"' + b"x" * 600 + b'",', b'{"jsonrpc":', b'{"id":7 8,',
    ],
)  # fmt: skip
def test_nothing_is_taken_for_an_id(codec: Codec, head: bytes) -> None:
    assert codec.fish_id(head) is None


# --- orjson is only an accelerator --------------------------------------------------------------


@given(st.binary(max_size=3000), st.integers(0, 3000), st.integers(15, 40), st.integers(0, 9))
def test_long_numbers_are_never_missed(data: bytes, at: int, length: int, digit: int) -> None:
    number = str(digit).encode() * length
    found = _long_number(data[:at] + number + data[at:])
    assert found == (length >= 19) or not data.isascii() or any(48 <= byte < 58 for byte in data)


def test_long_numbers_in_long_texts() -> None:
    for size in (1000, 1025, 5000, 100_000):
        for at in range(16):
            assert _long_number(b"x" * (size + at) + b"1" * 19 + b"y" * size)
        assert not _long_number(b"x1" * size)
        assert not _long_number(b"123456789012," * size)
    assert not _long_number(b"1234567890123456 " * 10_000)
    assert _long_number(b"1234567890123456 " * 10_000 + b"1" * 19)


def test_a_backend_loads_orjson_with_its_first_large_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("orjson")
    for send_first in (True, False):
        codec = Codec("backend")
        assert codec._loads is None
        codec.encode("x" * 100), codec.decode(b'"' + b"x" * 100 + b'"')
        assert codec._loads is None
        if send_first:
            codec.encode("x" * module._WORTH_ORJSON)
        else:
            codec.decode(b'"' + b"x" * module._WORTH_ORJSON + b'"')
        assert codec._loads is not None
    assert Codec("host")._loads is not None
    monkeypatch.setitem(sys.modules, "orjson", None)
    codec = Codec("backend")
    assert not codec.accelerate()
    assert codec.encode("x" * 100_000) == b'"' + b"x" * 100_000 + b'"'
    assert Codec("host")._loads is None


COLD = """
import sys
sys.path.insert(0, sys.argv[1])
from bridgekit.wire.connection import Connection
wire = Connection("native", "backend", max_frame=60)
assert "json" not in sys.modules
for frame in (b'{"id":1,"cmd":"a\\\\q"}', b'{"id":"a\\\\q","cmd":"' + b"x" * 99 + b'"}', b'{"id":2', b""):
    for message in wire.receive_data(frame + bytes([10])):
        print(message.error.code, message.id)
"""


def test_a_cold_child_survives_bad_text() -> None:
    """The scanner alone has no exception of its own to raise, up to CPython 3.11."""
    root = module.__file__.rpartition("bridgekit")[0]
    command = [sys.executable, "-I", "-S", "-c", COLD, root]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == [
        "decode_error 1", "frame_too_large None", "decode_error None", "",
    ]  # fmt: skip
