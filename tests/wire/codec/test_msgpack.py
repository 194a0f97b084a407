"""MessagePack: bytes stay bytes, keys are text, integers fit 64 bits, nothing else surprises."""

from __future__ import annotations

import contextlib
import datetime
import enum
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import BridgeError, DecodeError, EncodeError
from bridgekit.wire.codec.msgpack import Codec

msgpack: Any = pytest.importorskip("msgpack")

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    assert Codec().decode(Codec().encode(value)) == value


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    codec = Codec()
    for text in (data, b"\x81\xa2id" + data):
        with contextlib.suppress(DecodeError):
            codec.decode(text)
        codec.fish_id(text)


def test_what_differs_from_json() -> None:
    codec = Codec()
    assert codec.decode(codec.encode([b"\0\xff", bytearray(b"a"), memoryview(b"b")])) == [
        b"\0\xff", b"a", b"b",
    ]  # fmt: skip
    assert math.isnan(codec.decode(codec.encode(math.nan)))
    assert codec.decode(codec.encode(-math.inf)) == -math.inf


def test_library_values_become_what_they_become_in_json() -> None:
    codec = Codec()
    value = {"d": datetime.date(2024, 1, 2), "s": {1}, "t": (1, 2)}
    assert codec.decode(codec.encode(value)) == {"d": "2024-01-02", "s": [1], "t": [1, 2]}
    assert Codec(default=lambda value: "made").encode(object()) == b"\xa4made"


def test_keys_become_text_as_in_json() -> None:
    codec = Codec()
    value = {"a": [{1: "x", None: b"y", 1.5: {False: (1, {2})}}]}
    assert codec.decode(codec.encode(value)) == {
        "a": [{"1": "x", "null": b"y", "1.5": {"false": [1, [2]]}}]
    }


def test_keys_that_stand_for_text_or_a_number_become_text() -> None:
    odd = enum.Enum("odd", {"RED": "r", "TWO": 2})
    codec = Codec()
    value = {odd.RED: {odd.TWO: {datetime.date(2024, 2, 3): b"x"}}}
    assert codec.decode(codec.encode(value)) == {"r": {"2": {"2024-02-03": b"x"}}}


@pytest.mark.parametrize(
    ("value", "place", "why"),
    [
        ({datetime.timedelta(1): 1}, "result", "keys must be text"),
        ({"a": [2**64]}, "result.a[0]", "64 bits"),
        ({"a": -(2**63) - 1}, "result.a", "64 bits"),
        ({"a": ["\ud800"]}, "result.a[0]", "not text"),
        ({"a": object()}, "result.a", "no plain form"),
        ({"a": {(1,): 2}}, "result.a", "keys must be text"),
        ({"a": {math.nan: 2}}, "result.a", "not a JSON number"),
    ],
)
def test_what_cannot_be_sent_is_named(value: Any, place: str, why: str) -> None:
    with pytest.raises(EncodeError, match=why) as caught:
        Codec().encode(value, "result")
    assert caught.value.place == place


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x81", b"\x92\x01", b"\x01\x02", b"\xd9\x05abc", b"\xa1\xff",
        b"\x81\x01\x02", b"\x81\x90\x01", b"\x81\xc0\x01", b"\xc7\x01\x05x", b"\xd4\x01x",
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91" * 100_000,
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_messagepack(data: bytes) -> None:
    with pytest.raises(DecodeError, match="not MessagePack") as caught:
        Codec().decode(data)
    assert caught.value.data == data[:4096] and len(str(caught.value)) < 600


def test_a_timestamp_is_its_seconds() -> None:
    assert Codec().decode(msgpack.packb(msgpack.Timestamp(5, 500_000_000))) == 5.5


def nested(levels: int) -> Any:
    value: Any = []
    for level in range(levels - 1):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize("limit", [1, 5, 128])
def test_depth_is_bounded_both_ways(limit: int) -> None:
    codec = Codec(max_depth=limit)
    assert codec.decode(codec.encode(nested(limit))) == nested(limit)
    for value in (nested(limit + 1), nested(limit * 3), {1: nested(limit)}):
        with pytest.raises(EncodeError, match=f"limit of {limit} levels"):
            codec.encode(value)
    with pytest.raises(DecodeError) as caught:
        codec.decode(msgpack.packb(nested(limit + 1)))
    assert caught.value.code == "too_deep"


def test_what_a_signal_handler_raises_is_no_matter_of_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = Codec()

    def interrupted(*_: object, **__: object) -> bytes:
        raise TimeoutError("alarm")

    monkeypatch.setattr(codec, "_pack", interrupted)
    with pytest.raises(TimeoutError, match="alarm"):
        codec.encode({"a": 1})


def test_the_limit_that_is_named_is_that_of_the_frame() -> None:
    with pytest.raises(EncodeError, match="limit of 128 levels of its whole frame"):
        Codec().encode(nested(128), "result")
    assert Codec().encode(nested(127), "result")


def test_what_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    keyed: dict[Any, Any] = {}
    keyed[1] = keyed
    listed: dict[Any, Any] = {1: []}
    listed[1].append(listed[1])
    for value in (loop, keyed, listed):
        with pytest.raises(EncodeError, match="levels"):
            Codec().encode(value)


def test_wide_is_not_deep() -> None:
    value = [{"a": [1.5, b"\x91" * 500]}] * 500
    assert Codec(max_depth=3).decode(Codec(max_depth=3).encode(value)) == value


@pytest.mark.parametrize(
    "call_id", [0, 5, -1, -33, 200, 70_000, 2**33, -300, -70_000, -(2**40), "a", "é" * 40]
)
def test_an_id_that_stands_first_is_found(call_id: Any) -> None:
    head = msgpack.packb({"id": call_id, "result": b"x" * 100})[:-50]
    assert Codec().fish_id(head) == call_id
    wide = msgpack.packb({"id": call_id, **{str(n): n for n in range(20)}})
    assert Codec().fish_id(wide) == call_id


@pytest.mark.parametrize(
    "head",
    [b"", b"\x81", b"\x81\xa2id", b"\x81\xa2id\xcd\x01", b"\x81\xa3cmd", b"\x91\xa2id\x01", b"text",
     b"\x81\xa2id\x91\x01", b"\x81\xa2id\xa2\xff\xff", b"\x81\xa2id\xd9", b"\xde\x00"],
)  # fmt: skip
def test_nothing_is_taken_for_an_id(head: bytes) -> None:
    assert Codec().fish_id(head) is None


def test_a_missing_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(
        BridgeError, match=r"the package 'msgpack', which .* -m pip install msgpack"
    ):
        Codec()
