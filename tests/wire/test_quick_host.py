"""The short way and the ordinary way must say the same."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import EncodeError, FrameTooLarge
from bridgekit.wire.bursts import Run
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Event, Response
from bridgekit.wire.quick_host import host_parser, host_receiver, host_sender

pytest.importorskip("orjson")

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FRAMES = st.one_of(
    st.builds(Response, st.integers() | st.text(max_size=5) | st.none(), VALUES),
    st.builds(Event, st.text(min_size=1), VALUES, st.none() | st.integers()),
)


def plain_way(data: bytes) -> list[Any]:
    return Connection("native", "host").receive_data(data)


def short_way(connection: Connection, data: bytes) -> list[Any]:
    quick = host_receiver(connection)(data)
    if quick is None:
        return list(connection.receive_data(data))
    flat: list[Any] = []
    for item in quick:
        flat += item if type(item) is Run else [item]
    return [Response(*item) if type(item) is tuple else item for item in flat]


@given(st.lists(FRAMES, max_size=6), st.integers(1, 64), st.binary(max_size=4))
def test_receiving_is_the_same_however_cut(messages: list[Any], size: int, garbage: bytes) -> None:
    backend = Connection("native", "backend")
    data = garbage
    for message in messages:
        try:
            data += backend.send(message)
        except EncodeError:  # NaN and the like
            continue
    connection = Connection("native", "host")
    got: list[Any] = []
    for start in range(0, len(data), size):
        got += short_way(connection, data[start : start + size])
    assert repr(got) == repr(plain_way(data))
    assert repr(short_way(Connection("native", "host"), data)) == repr(plain_way(data))


GOOD = b'{"id":4,"status":"success","result":"c"}'
TORN = [
    [b'{"id":1,"status":"success","result":[1', b"2]}", GOOD, b"3"],
    [b'{"id":1,"status":"success"},{"id":2,"status":"success"}', GOOD, GOOD],
    [GOOD, b"", GOOD, GOOD, GOOD],
    [GOOD, b'{"id":1,"status":"error","error":"no"}', GOOD],
    [GOOD, b'{"id":1,"status":"success","result":1234567890123456789012}', GOOD],
    [GOOD, b'{"id":1,"status":"success","result":' + b"[" * 150 + b"]" * 150 + b"}", GOOD],
    [GOOD, b'{"id":1,"status":"success","result":"' + b"x" * 500 + b'"}', GOOD],
    [GOOD, b'{"id":1,"status":"success","result":"' + b"x" * 50_000 + b'"}', GOOD],
    [GOOD, b"[1]", GOOD],
    [GOOD, b'{"cmd":"tick","status":"event","result":{"n":1}}', GOOD, GOOD],
]  # fmt: skip


@pytest.mark.parametrize("frames", TORN)
def test_frames_never_mean_together_what_they_do_not_mean_alone(frames: list[bytes]) -> None:
    data = b"".join(frame + b"\0" for frame in frames)
    for cut in (len(data), 1, 30, 101):
        connection = Connection("native", "host")
        pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
        got = [each for piece in pieces for each in short_way(connection, piece)]
        assert repr(got) == repr(plain_way(data))


def test_many_results_are_read_at_once() -> None:
    frames = [b'{"id":%d,"status":"success","result":"%d"}\0' % (n, n) for n in range(500)]
    receive = host_receiver(Connection("native", "host"))
    assert receive(b"".join(frames)) == [(n, str(n)) for n in range(500)]
    batch = [["x" * 100]] * 100
    data = Connection("native", "backend").send(Response(7, batch))
    assert receive(data) == [(7, batch)]


OUTCOMES = [
    *([["x"]], [[1], [None]], [[True], []], [["x", "y"]], [[1.5]], [[2**70]], [[-(2**63)]]),
    *([[[1]]], [[{}]], [["x"], {"error": {"error": "no"}}], [{}], [1], [[]]),
]


@pytest.mark.parametrize("outcomes", OUTCOMES, ids=repr)
@pytest.mark.parametrize("depth", [2, 3, 4, 100])
def test_answers_to_batches_mean_the_same(outcomes: list[Any], depth: int) -> None:
    values: list[dict[str, Any]] = [
        {"id": 7, "status": "success", "result": outcomes * 200},
        {"id": 2**70, "status": "success", "result": outcomes * 200},
        {"id": "a", "status": "success", "result": outcomes * 200},
        {"id": 7, "status": "success", "result": outcomes * 200, "more": 1},
        {"id": 7, "status": "error", "result": outcomes * 200},
        {"id": 7, "cmd": "$/call", "result": outcomes * 200},
    ]
    for value in values:
        text = json.dumps(value, separators=(",", ":")).encode()
        for data in (text + b"\0", text[:-1] + b"\0", text + b"]\0", text + b"\0" + GOOD + b"\0"):
            for cut in (len(data), 1000):
                short = Connection("native", "host", max_depth=depth)
                plain = Connection("native", "host", max_depth=depth)
                pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
                got = [each for piece in pieces for each in short_way(short, piece)]
                expected = [each for piece in pieces for each in plain.receive_data(piece)]
                assert repr(got) == repr(expected)


@given(st.binary(max_size=80))
def test_any_bytes_mean_the_same(data: bytes) -> None:
    for text in (data, data + b"\0", b'{"id":1,"status":"success"}\0' + data + b"\0"):
        assert repr(short_way(Connection("native", "host"), text)) == repr(plain_way(text))


@given(st.text(max_size=8), VALUES, st.none() | st.floats(0.001, 1000) | st.just(math.inf))
def test_requests_mean_the_same(method: str, value: Any, timeout: float | None) -> None:
    quick, ordinary = Connection("native", "host"), Connection("native", "host")
    send = host_sender(quick)
    for params in ({"value": value}, [value], None):
        outcomes = []
        for way in (send, send, ordinary.send_request):
            try:
                data = way(7, method, params, timeout)
            except EncodeError as error:
                outcomes.append(("error", error.place))
            else:
                backend = Connection("native", "backend")
                outcomes.append(("bytes", repr(backend.receive_data(data))))
        assert outcomes[0] == outcomes[1] == outcomes[2]


def test_the_cap_holds() -> None:
    connection = Connection("native", "host", max_frame=1024)
    send = host_sender(connection)
    send(1, "echo", {"value": "x"}, None)
    with pytest.raises(FrameTooLarge):
        send(2, "echo", {"value": "x" * 2000}, None)
    frame = b'{"id":1,"status":"success","result":"%b"}\0' % (b"x" * 2000)
    for cut in (len(frame), 100, 1023):
        connection = Connection("native", "host", max_frame=1024)
        got = []
        for start in range(0, len(frame), cut):
            got += short_way(connection, frame[start : start + cut])
        assert [type(message).__name__ for message in got] == ["Malformed"]


@pytest.mark.parametrize(("wire", "role"), [("jsonrpc", "host"), ("native", "backend")])
def test_other_wires_are_left_to_the_ordinary_way(wire: str, role: str) -> None:
    pytest.importorskip(f"bridgekit.wire.dialect.{wire}")
    connection = Connection(wire, role)
    assert host_receiver(connection)(b"{}\0") is None
    assert host_sender(connection) == connection.send_request


@given(FRAMES, st.integers(0, 5), st.binary(max_size=3))
def test_an_answer_is_parsed_as_the_ordinary_way_reads_it(
    message: Any, call_id: int, tail: bytes
) -> None:
    try:
        data = Connection("native", "backend").send(message) + tail
    except EncodeError:
        return
    result = host_parser(Connection("native", "host"))(data, call_id)
    if result is not None:
        assert repr(plain_way(data)) == repr([Response(call_id, result[0])])


def test_what_is_no_plain_answer_is_declined() -> None:
    connection = Connection("native", "host")
    parse = host_parser(connection)
    good = b'{"id":7,"status":"success","result":1}\0'
    assert parse(good, 7) == (1,)
    assert parse(b'{"id":7,"status":"success"}\0', 7) == (None,)
    for data in (
        b"",
        good[:-1],
        good + good,
        b'{"id":true,"status":"success"}\0',
        b'{"id":1.0,"status":"success"}\0',
        b'{"status":"success"}\0',
        b"[7]\0",
        b"7\0",
        good.replace(b"1}", b"%d}" % 10**30),
        b'{"id":7,"status":"success","result":"%b"}\0' % (b"x" * 300),
    ):
        assert parse(data, 1) is None
        assert parse(data, 7) is None
    connection.receive_data(b'{"begun":')
    assert parse(good, 7) is None


def test_the_answer_to_a_lone_call() -> None:
    connection = Connection("native", "host")
    parse, backend = host_parser(connection), Connection("native", "backend")
    assert parse(backend.send_result(7, {"a": 1}), 7) == ({"a": 1},)
    assert parse(b'{"id":7,"status":"success"}\0', 7) == (None,)
    for data in (
        backend.send_result(8, 1), backend.send_result(True, 1), backend.send_event("tick", 1),
        backend.send_result(7, 1) * 2, backend.send_result(7, 1)[:-1], backend.send_result(7, "x" * 999),
        backend.send_result(7, 10**20), b"text\0", b"[]\0", b'{"id":7,"status":"error","error":""}\0', b"\0", b"",
    ):  # fmt: skip
        assert parse(data, 7) is None
        assert parse(data, 1) is None
    connection.receive_data(b"part of a frame")
    assert parse(backend.send_result(7, 1), 7) is None
    assert host_parser(Connection("jsonrpc", "host"))(b"", 7) is None


def test_a_large_frame_is_taken_in_pieces() -> None:
    connection = Connection("native", "host", max_frame=1000)
    receive = host_receiver(connection)
    data = Connection("native", "backend").send_result(1, "x" * 900)
    assert [receive(data[at : at + 100]) for at in range(0, len(data), 100)][:-1] == [[]] * 9
    assert receive(data[900:]) is None, "it stands behind a frame that was never begun"
    connection = Connection("native", "host", max_frame=1000)
    receive = host_receiver(connection)
    assert receive(data[:500]) == [] and receive(data[500:] + data[:5]) == [(1, "x" * 900)]
    assert receive(data[5:]) == [(1, "x" * 900)]
    assert receive(b"y" * 600) == [] and receive(b"y" * 600) is None
    torn = b'{"id":1,"status":"success","result":12345678901234567890123}\0'
    connection = Connection("native", "host")
    assert short_way(connection, torn[:45]) == []
    assert short_way(connection, torn[45:]) == [Response(1, 12345678901234567890123)]


@pytest.mark.parametrize(
    "params",
    [{"a": "x" * 20_000}, {"a": None, "b": "x" * 20_000}, {"a": None}, {"a": ["x" * 500] * 100},
     {"a": "\u00e9" * 5000}, {"a": [float("nan"), "x" * 20_000]}, {"a": 2**70}, [None] * 20_000],
    ids=lambda params: repr(params)[:20],
)  # fmt: skip
def test_parameters_of_any_size_mean_the_same(params: Any) -> None:
    quick, ordinary = Connection("native", "host"), Connection("native", "host")
    send = host_sender(quick)
    send(1, "warm", {}, None)
    outcomes = []
    for way in (send, ordinary.send_request):
        try:
            outcomes.append(way(7, "warm", params, 1.5))
        except EncodeError as error:
            outcomes.append(error.place)
    assert outcomes[0] == outcomes[1]


def test_many_timeouts_and_names() -> None:
    send = host_sender(Connection("native", "host"))
    for number in range(1100):
        for _ in range(2):
            assert b'"timeout":%d' % number in send(1, f"m{number}", {"a": 1}, number)


def test_without_orjson_everything_goes_the_ordinary_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orjson", None)
    connection = Connection("native", "host")
    assert host_sender(connection) == connection.send_request
    assert host_receiver(connection)(b"") is None
    assert host_parser(connection)(b"", 1) is None


def test_requests_hold_to_what_the_backend_takes() -> None:
    pytest.importorskip("orjson")
    connection = Connection("native", "host")
    send = host_sender(connection)
    send(1, "add", None, None)
    connection.limit_sending(3000)
    for params in (["x" * 3000], ["x"] * 3000, ['"' * 1500]):
        with pytest.raises(FrameTooLarge, match="limit of 3000 bytes"):
            send(1, "add", params, 2.5)
    assert len(send(1, "add", ["x" * 2900], 2.5)) < 3000
    connection.limit_sending(1024)
    with pytest.raises(FrameTooLarge, match="limit of 1024 bytes"):
        send(1, "add", ["x" * 1010], None)
