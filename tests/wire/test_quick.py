"""A backend's short way says what the ordinary way says, or declines."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import EncodeError, FrameTooLarge
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Request, Response
from bridgekit.wire.quick import (
    quick_encoder,
    quick_event_sender,
    quick_receiver,
    quick_sender,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
IDS = st.integers() | st.text(max_size=5) | st.none() | st.booleans() | st.lists(st.integers())
NAMES = st.sampled_from(["add", "$/ping", "$/batch", "", "é"])
CALLS = st.tuples(IDS, NAMES, VALUES, st.none() | st.floats(0, 1e6))


def backend(accelerated: bool = False, **options: Any) -> Connection:
    connection = Connection("native", "backend", **options)
    if accelerated:
        pytest.importorskip("orjson")
        connection.codec.accelerate()
    return connection


def short_way(connection: Connection, data: bytes) -> list[Any]:
    quick = quick_receiver(connection)(data)
    if quick is None:
        return list(connection.receive_data(data))
    return [Request(*call) for call in (quick if isinstance(quick, list) else [quick])]


def text_of(connection: Connection, call: Any) -> bytes:
    names = ("id", "cmd", "params", "timeout")
    value = {name: part for name, part in zip(names, call, strict=True) if part is not None}
    try:
        return bytes(connection.codec.encode(value))
    except EncodeError:  # NaN
        return b"{}"


@pytest.mark.parametrize("accelerated", [False, True])
@given(
    calls=st.lists(CALLS, max_size=5),
    ends=st.sampled_from([b"\n", b"\0", b"\r\n"]),
    cut=st.integers(1, 300),
)
def test_receiving_is_the_same(accelerated: bool, calls: list[Any], ends: bytes, cut: int) -> None:
    data = b"".join(text_of(backend(), call) + ends for call in calls)
    expected = repr(backend().receive_data(data))
    if data:
        assert repr(short_way(backend(accelerated), data)) == expected
    connection = backend(accelerated)
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
    assert repr([m for piece in pieces for m in short_way(connection, piece)]) == expected


@pytest.mark.parametrize("accelerated", [False, True])
@given(data=st.binary(min_size=1, max_size=60))
def test_any_bytes_mean_the_same(accelerated: bool, data: bytes) -> None:
    for text in (
        data,
        data + b"\n",
        b'{"id":1,"cmd":"a"}\n' + data + b"\n",
        b'{"cmd":"a"}\0' + data,
    ):
        expected = repr(backend(max_frame=64).receive_data(text))
        assert repr(short_way(backend(accelerated, max_frame=64), text)) == expected


@pytest.mark.parametrize("accelerated", [False, True])
def test_a_large_batch_is_understood_at_once(accelerated: bool) -> None:
    params = {"cmd": "add", "first": 8, "params": [{"text": "x" * 100}] * 50}
    data = text_of(backend(), (7, "$/batch", params, 30.0))
    receive = quick_receiver(backend(accelerated))
    for text in (data + b"\n", data + b"\0"):
        assert receive(text) == [(7, "$/batch", params, 30.0)]
    assert receive((data + b"\n") * 2) == [(7, "$/batch", params, 30.0)] * 2


ITEMS = [
    *([{}], [{"a": 1}], [{"a": "x"}, {}], [{"a": None, "b": True}], [[1, 2]], [None], []),
    *(
        [{"a": 1.5}],
        [{"a": 2**70}],
        [{"a": -(2**63)}],
        [{"a": [1]}],
        [{"a": {}}],
        [1],
        {"a": 1},
        "a",
    ),
]


@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("items", ITEMS, ids=repr)
@pytest.mark.parametrize("depth", [3, 4, 5, 100])
def test_batches_of_all_kinds_mean_the_same(accelerated: bool, items: Any, depth: int) -> None:
    many = items * 200 if isinstance(items, list) else items
    whole: list[dict[str, Any]] = [
        {"id": 7, "cmd": "$/batch", "params": {"cmd": "a", "first": 8, "params": many}},
        {"id": 7, "cmd": "$/batch", "params": {"cmd": "a", "first": 2**70, "params": many}},
        {"id": 2**70, "cmd": "$/batch", "params": {"cmd": "a", "first": 8, "params": many}},
        {"id": 7, "cmd": "$/batch", "params": {"cmd": 5, "first": 8, "params": many}},
        {"id": 7, "cmd": "$/batch", "params": {"cmd": "a", "first": 8, "params": many, "more": 1}},
        {"id": 7, "cmd": "$/batch", "params": many},
        {"id": 7, "cmd": "$/batch"},
    ]
    for value in whole:
        for timeout in (30.0, 30, 10**30, 1e30, None, "x"):
            text = json.dumps({**value, "timeout": timeout}, separators=(",", ":")).encode()
            for data in (text + b"\n", text + b"\0", text[:-1] + b"\n", text + b"}\n"):
                expected = repr(backend(max_depth=depth).receive_data(data))
                assert repr(short_way(backend(accelerated, max_depth=depth), data)) == expected


TORN = [
    [b'{"id":1,"cmd":"a","params":[1', b'2]}', b'{"id":2,"cmd":"a"}', b"3"],
    [b'{"id":1,"cmd":"a","params":[{}', b"{}]}", b"[]", b"{}"],
    [b'{"id":1,"cmd":"a"},{"id":2,"cmd":"b"}', b'{"id":3,"cmd":"c"}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b"", b'{"id":3,"cmd":"c"}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b'{"id":1,"cmd":"a","params":"x"}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b'{"id":1,"cmd":"$/ping"}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b'{"id":1,"cmd":""}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b'{"id":1234567890123456789012,"cmd":"b"}', b'{"id":4,"cmd":"c"}'],
    [b'{"id":1,"cmd":"a"}', b'{"id":2,"cmd":"b","params":[' + b"[" * 150 + b"]" * 150 + b"]}", b"{}"],
    [b'{"id":1,"cmd":"a"}', b'{"id":2,"cmd":"b","params":["' + b"x" * 500 + b'"]}', b"{}"],
    [b'{"id":1,"cmd":"a"}', b'{"id":2,"cmd":"b"}', b'{"id":3,"cmd":"c","params":{"d":[1.5]}}'],
]  # fmt: skip


@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("end", [b"\n", b"\0"])
@pytest.mark.parametrize("frames", TORN)
def test_frames_never_mean_together_what_they_do_not_mean_alone(
    accelerated: bool, end: bytes, frames: list[bytes]
) -> None:
    data = b"".join(frame + end for frame in frames)
    expected = repr(backend().receive_data(data))
    assert repr(short_way(backend(accelerated), data)) == expected


def test_many_calls_are_read_at_once() -> None:
    data = b"".join(b'{"id":%d,"cmd":"a","params":{"n":%d}}\n' % (n, n) for n in range(1000))
    for accelerated in (False, True):
        receive = quick_receiver(backend(accelerated))
        assert receive(data) == [(n, "a", {"n": n}, None) for n in range(1000)]


def test_long_numbers_stay_whole() -> None:
    data = b'{"id":123456789012345678901234567890,"cmd":"a"}\n'
    for accelerated in (False, True):
        assert short_way(backend(accelerated), data) == [
            Request(123456789012345678901234567890, "a")
        ]


def sent(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (EncodeError, FrameTooLarge) as error:
        return type(error), getattr(error, "place", None)


def meaning(data: Any) -> str:
    if isinstance(data, bytes):
        assert data.isascii()
        return repr(Connection("native", "host").receive_data(data))
    return repr(data)


@pytest.mark.parametrize("accelerated", [False, True])
@given(call_id=IDS, value=VALUES | st.just(object()) | st.text(min_size=200, max_size=600))
def test_sending_is_the_same(accelerated: bool, call_id: Any, value: Any) -> None:
    for most in (1 << 20, 1200, 300):
        quick, ordinary = backend(accelerated, max_frame=most), backend(max_frame=most)
        expected = sent(ordinary.send, Response(call_id, value))
        assert meaning(sent(quick_sender(quick), call_id, value)) == meaning(expected)
        event = quick_event_sender(quick)
        for topic in ("tick", "tick", "é", "t" * 70):
            expected = sent(ordinary.send_event, topic, value, call_id)
            assert meaning(sent(event, topic, value, call_id)) == meaning(expected)


def nested(levels: int) -> Any:
    value: Any = "x" * 300
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("levels", [1, 4])
def test_the_depth_leaves_room_for_what_stands_around(accelerated: bool, levels: int) -> None:
    express = quick_encoder(backend(accelerated), levels)
    assert express(nested(128 - levels))
    with pytest.raises(EncodeError):
        express(nested(129 - levels))


def test_events_bear_any_topic() -> None:
    send = quick_event_sender(backend())
    for number in range(1100):  # more than are remembered
        assert send(f"topic {number}", 1) == backend().send_event(f"topic {number}", 1)
    assert send("topic 1", 1, 5).endswith(b',"call":5}\0')


def test_other_wires_are_left_to_the_ordinary_way() -> None:
    for connection in (Connection("jsonrpc", "backend"), Connection("native", "host")):
        assert quick_receiver(connection)(b"{}\n") is None
        assert quick_sender(connection) == connection.send_result
        assert quick_event_sender(connection) == connection.send_event


def test_it_works_without_the_accelerator_behind_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    connection = backend()
    assert quick_sender(connection)(1, "é") == b'{"id":1,"status":"success","result":"\\u00e9"}\0'
    assert short_way(connection, b'{"id":1,"cmd":"a"}\n') == [Request(1, "a")]


def test_what_a_signal_handler_raises_gets_through() -> None:
    connection = backend()

    def interrupted(*_: object) -> Any:
        raise TimeoutError("alarm")

    connection.codec._iterencode = interrupted
    for send in (
        lambda: quick_event_sender(connection)("tick", {"n": 1}),
        lambda: quick_sender(connection)(1, {"n": 1}),
    ):
        with pytest.raises(TimeoutError, match="alarm"):
            send()


@pytest.mark.parametrize("fast", [False, True])
def test_what_was_made_before_the_peer_was_heard_holds_to_its_limit(fast: bool) -> None:
    connection = Connection("native", "backend")
    if fast:
        pytest.importorskip("orjson")
        connection.codec.accelerate()
    send, event = quick_sender(connection), quick_event_sender(connection)
    event("tick", 1)
    for limit in (1024, 3000):
        connection.limit_sending(limit)
        for value in ("x" * limit, '"' * (limit // 2), "\0" * (limit // 6), ["x"] * limit):
            with pytest.raises(FrameTooLarge, match=f"limit of {limit} bytes"):
                send(7, value)
            with pytest.raises(FrameTooLarge, match=f"limit of {limit} bytes"):
                event("tick", value)
        assert len(send(7, "x" * (limit - 100))) <= limit + 1
        assert len(event("tick", "x" * (limit - 100), 7)) <= limit + 1
    connection.limit_sending(None)
    assert len(send(7, "x" * 9000)) > 9000
    assert len(event("tick", "x" * 9000)) > 9000
