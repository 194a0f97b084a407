"""One end of a wire survives whatever the other end sends, and tells it in order."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from bridgekit.errors import DecodeError, EncodeError, FrameTooLarge
from bridgekit.wire.connection import LEAST_FRAME, MAX_DEPTH, MAX_FRAME, Connection
from bridgekit.wire.framing import _parts
from bridgekit.wire.messages import Cancel, Event, Failure, Malformed, Request, Response
from bridgekit.wire.quick_host import host_receiver
from tests.wire.ways import cuts


def received(make: Any, data: bytes) -> list[Any]:
    """What a connection makes of ``data``, the same however it is cut; errors as (code, id)."""
    seen = []
    for pieces in cuts(data):
        connection = make()
        messages = [m for piece in pieces for m in connection.receive_data(piece)]
        messages += connection.receive_eof()
        assert connection.receive_eof() == []
        seen.append([(m.error.code, m.id) if isinstance(m, Malformed) else m for m in messages])
    assert all(other == seen[0] for other in seen)
    return seen[0]


def host(**options: Any) -> Connection:
    return Connection("native", "host", **options)


def backend(**options: Any) -> Connection:
    return Connection("native", "backend", **options)


def test_the_defaults() -> None:
    assert (MAX_FRAME, MAX_DEPTH) == (16 * 1024 * 1024, 128)
    connection = Connection()
    assert (connection.format, connection.role) == ("native", "host")
    assert (connection.max_frame, connection.max_depth) == (MAX_FRAME, MAX_DEPTH)


# --- the peer's faults ------------------------------------------------------------------------


def test_garbage_stands_in_its_place_and_costs_nothing_else() -> None:
    data = b'{"id":1,"cmd":"a"}\nnot json\n\n \r\n{"id":2,"cmd":"b"}\r\n{"id":3,"cmd'
    assert received(backend, data) == [
        Request(1, "a"),
        ("decode_error", None),
        Request(2, "b"),
        ("truncated", None),
    ]


@pytest.mark.parametrize(
    ("frame", "code", "call_id"),
    [
        (b'{"id":7,"cmd":"x"', "decode_error", 7),
        (b'{"id":"seven","cmd":NaN}', "decode_error", "seven"),
        (b'{"id":7,"cmd":"\xff"}', "decode_error", 7),
        (b'{"id":7,"cmd":"' + b"x" * 2000 + b'"}', "frame_too_large", 7),
        (b'{"id":7,"p":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep", 7),
        (b'{"id":7,"p":' + b"9" * 5000 + b"}", "frame_too_large", 7),
        (b'{"id":--7,"p":}', "decode_error", None),
        (b'{"id":7}', "invalid_request", 7),
        (b'{"id":[7]}', "invalid_request", [7]),
        (b'{"id":{"a":1},"cmd":5}', "invalid_request", {"a": 1}),
        (b'{"id":7,"cmd":"x","params":"text"}', "invalid_request", 7),
        (b"[1,2]", "invalid_request", None),
        (b'"text"', "invalid_request", None),
        (b"7", "invalid_request", None),
        (b"null", "invalid_request", None),
        (b"[" * 100 + b"]" * 100, "invalid_request", None),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_a_bad_frame_keeps_its_id(frame: bytes, code: str, call_id: Any) -> None:
    good = b'{"id":8,"cmd":"ok"}\n'
    expected = [Request(8, "ok"), (code, call_id), Request(8, "ok")]
    assert received(lambda: backend(max_frame=1500), good + frame + b"\n" + good) == expected


@pytest.mark.parametrize("call_id", [0, -1, 1.5, True, None, "a", [], [1], {}, {"a": [1]}, 10**30])
def test_an_id_of_any_kind_is_echoed(call_id: Any) -> None:
    wire = host().send(Request(1, "x")).replace(b'"id":1', b'"id":' + host().codec.encode(call_id))
    [request] = backend().receive_data(wire)
    assert request == Request(call_id, "x") and type(request.id) is type(call_id)
    for message in (Response(call_id, "done"), Failure(call_id, "no")):
        [answer] = host().receive_data(backend().send(message))
        assert answer == message and type(answer.id) is type(call_id)


def test_a_huge_value_in_the_wrong_place_is_told_shortly() -> None:
    for frame in (b"[" + b"1," * 500_000 + b"1]", b'"' + b"x" * 500_000 + b'"', b"9" * 4000):
        [bad] = backend().receive_data(frame + b"\n")
        assert isinstance(bad, Malformed) and len(str(bad.error)) < 300


def test_much_garbage_in_one_read_stays_small() -> None:
    for frame in (b"x", b"{}", b"\xff"):
        connection = backend()
        gc.collect()
        tracemalloc.start()
        try:
            messages = connection.receive_data((frame + b"\n") * 5000 + b'{"id":5,"cmd":"x"}\n')
            assert tracemalloc.get_traced_memory()[1] < 1_500_000
        finally:
            tracemalloc.stop()
        assert len(messages) == 65 and messages[-1] == Request(5, "x")
        last = messages[-2]
        assert isinstance(last, Malformed) and isinstance(last.error, DecodeError)
        assert last.error.more == 5000 - 64
        [again] = connection.receive_data(frame + b"\n")
        assert isinstance(again, Malformed) and isinstance(again.error, DecodeError)
        assert again.error.more == 0


def test_garbage_with_an_id_is_all_told() -> None:
    messages = backend().receive_data(b"".join(b'{"id":%d}\n' % n for n in range(1000)))
    assert [m.id for m in messages] == list(range(1000))  # type: ignore[union-attr]


# --- text in front of a host's frames -----------------------------------------------------------

RESULT = b'{"id":1,"status":"success","result":{"a":[{"b":1}]}}\0'


@pytest.mark.parametrize(
    "text", [b"hello", b"hello\n", b'{"a":1}\n', b"x" * 5000, b"\xff\xfe", b"[1]\n" * 40]
)
def test_text_before_a_frame_costs_no_frame(text: bytes) -> None:
    expected = [("stray_output", None), Response(1, {"a": [{"b": 1}]})]
    assert received(host, text + RESULT) == expected
    [stray, _] = host().receive_data(text + RESULT)
    assert isinstance(stray, Malformed) and isinstance(stray.error, DecodeError)
    assert stray.error.data == text


def test_text_alone_is_no_frame() -> None:
    assert received(host, b'state: {"a":1}\0' + RESULT)[0] == ("decode_error", None)
    assert received(host, b"\n\0 \0" + RESULT) == [Response(1, {"a": [{"b": 1}]})]


def test_a_backend_looks_for_no_message_behind_text() -> None:
    assert received(backend, b'x{"id":1,"cmd":"rm"}\n') == [("decode_error", None)]


def test_the_inside_of_a_cut_frame_is_no_message() -> None:
    cut = b'{"id":1,"status":"success","result":{"id":2,"status":"success","result":3}\0'
    assert received(host, cut) == [("decode_error", 1)]


# --- what this side says ------------------------------------------------------------------------


def test_a_refused_message_leaves_the_wire_as_it_was() -> None:
    connection = backend(max_frame=200)
    with pytest.raises(EncodeError, match=r"^result\.x cannot"):
        connection.send(Response(1, {"x": float("nan")}))
    with pytest.raises(EncodeError, match=r"^result\.x cannot"):
        connection.send_result(1, {"x": float("nan")})
    with pytest.raises(EncodeError, match=r"^result\[0\] cannot"):
        connection.send_event("tick", [object()])
    with pytest.raises(EncodeError, match=r"^params\.y\[0\] cannot"):
        host().send_request(1, "x", {"y": {1j}})
    for send in (
        lambda: connection.send(Response(1, "x" * 200)),
        lambda: connection.send_result(1, "x" * 200),
        lambda: connection.send_event("tick", "x" * 200),
        lambda: connection.send_ready("x" * 200),
    ):
        with pytest.raises(FrameTooLarge, match="limit of 200 bytes"):
            send()
    assert connection.send_result(1, 2) == b'{"id":1,"status":"success","result":2}\0'


def test_only_messages_can_be_sent() -> None:
    for name in ("native", "jsonrpc"):
        with pytest.raises(TypeError, match="cannot be sent"):
            Connection(name, "backend").send(Malformed(DecodeError("x")))


CALLS: list[tuple[Any, ...]] = [
    (1, "add", {"a": 1}, 2.5),
    (2, "add", {"a": 1}, 2.5),
    (3, "add", [1], None),
    (4, "add", None, 3),
    ("x", "add", {}, 1),
    (None, "note", {"é": "€"}, None),
    ([5], "n" * 300, None, None),
    (True, "add", {"a": None}, None),
]


@pytest.mark.parametrize("format", ["native", "jsonrpc", "lsp", "msgpack"])
def test_the_short_names_say_the_same(format: str) -> None:
    if format == "msgpack":
        pytest.importorskip("msgpack")
    one, other = Connection(format, "host"), Connection(format, "host")
    for call in CALLS:
        assert one.send_request(*call) == other.send(Request(*call))
    one, other = Connection(format, "backend"), Connection(format, "backend")
    for call_id in (1, "x", [1], 1.5, None):
        for value in (None, 1, "é", {"a": [1.5, None]}, {1: 2}):
            assert one.send_result(call_id, value) == other.send(Response(call_id, value))
            for topic in ("tick", "tick", "é", "t" * 300):
                expected = other.send(Event(topic, value, call_id))
                assert one.send_event(topic, value, call_id) == expected


def test_values_of_unknown_types_go_through_default() -> None:
    connection = backend(default=lambda value: "made")
    assert b'"result":"made"' in connection.send_result(1, object())


def test_the_depth_of_a_frame_is_one_cap_on_both_sides() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    sender, receiver = backend(max_depth=10), host(max_depth=10)
    for send in (sender.send_result, lambda i, v: sender.send(Response(i, v))):
        assert receiver.receive_data(send(1, nested(9))) == [Response(1, nested(9))]
        with pytest.raises(EncodeError, match="deeper than the limit of"):
            send(1, nested(10))
    ours, theirs = host(max_depth=10), backend(max_depth=10)
    [request] = theirs.receive_data(ours.send_request(1, "x", nested(9)))
    assert request == Request(1, "x", nested(9))
    with pytest.raises(EncodeError):
        ours.send_request(1, "x", nested(10))


def test_a_cap_smaller_than_any_frame() -> None:
    with pytest.raises(FrameTooLarge):
        host(max_frame=5).send_request(1, "x")
    assert received(lambda: backend(max_frame=5), b"123456\n12345\n") == [
        ("frame_too_large", None),
        ("invalid_request", None),
    ]


SAID = [
    b'{"id":1,"status":"success","result":"text"}',
    b'{"id":1,"status":"success","result":["\xc3\xa9",null,1.5,{"a":12345678901234567890123}]}',
    b'{"cmd":"tick","status":"event","result":{"n":1}}',
    b'printed\n{"id":1,"status":"success","result":"behind it"}',
    b"[" * 200 + b"]" * 200,
    b'{"id":1,"result":NaN}',
    b"no JSON at all, but as long as a frame",
    b'{"id":5,"status":"success","result":"\xff\xfe"}',
    b" " * 60,
]


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("role", ["host", "backend"])
def test_a_frame_that_comes_as_a_view_means_the_same(
    monkeypatch: pytest.MonkeyPatch, role: str, accelerated: bool, said: bytes
) -> None:
    end = b"\n" if role == "backend" else b"\0"
    data = said.replace(b"\n", b" ") if role == "backend" else said
    make = host if role == "host" else backend
    expected = repr(make().receive_data(data + end))
    monkeypatch.setattr(_parts, "LARGE", 16)
    monkeypatch.setattr(_parts, "_SMALL", 1)
    connection = make()
    if accelerated:
        pytest.importorskip("orjson")
        connection.codec.accelerate()
        monkeypatch.setattr("bridgekit.wire.codec.json.WORTH_A_GLANCE", 16)
    receivers = [connection.receive_data]
    if role == "host":
        quick = host_receiver(connection)
        receivers.append(lambda data: untuple(quick(data), lambda: connection.receive_data(data)))
    for receive in receivers:
        got = [m for at in range(0, len(data), 9) for m in receive(data[at : at + 9])]
        assert repr(got + receive(end)) == expected


def untuple(messages: list[Any] | None, otherwise: Callable[[], list[Any]]) -> list[Any]:
    if messages is None:
        return otherwise()
    return [Response(*each) if isinstance(each, tuple) else each for each in messages]


# --- large and many -----------------------------------------------------------------------------


def test_sixty_four_mebibytes_in_small_reads() -> None:
    connection = host(max_frame=80 << 20)
    data = b'{"id":1,"status":"success","result":"' + b"x" * (64 << 20) + b'"}\0'
    messages: list[Any] = []
    for at in range(0, len(data), 4096):
        messages += connection.receive_data(data[at : at + 4096])
    assert len(messages) == 1 and len(messages[0].result) == 64 << 20


def test_many_frames_in_one_read() -> None:
    connection = host()
    data = b"".join(backend().send_result(n, n) for n in range(10_000))
    assert connection.receive_data(data) == [Response(n, n) for n in range(10_000)]


def test_cancel_and_ready() -> None:
    assert backend().receive_data(host().send(Cancel(7))) == [Cancel(7)]
    assert backend().preamble == b"\0" and host().preamble == b""
    ready = backend().preamble + backend().send_ready({"status": "ready"})
    assert received(host, ready) == [Response(0, {"status": "ready"})]


def test_a_message_among_hopeless_frames_is_found() -> None:
    garbage = b"x\0" * 500
    answer = b"printed " + RESULT
    messages = host().receive_data(garbage + answer + garbage + RESULT)
    assert [m for m in messages if isinstance(m, Response)] == [Response(1, {"a": [{"b": 1}]})] * 2


# --- what the other side takes ------------------------------------------------------------------


@pytest.mark.parametrize("format", ["native", "jsonrpc", "lsp", "msgpack"])
def test_no_frame_is_larger_than_the_peer_takes(format: str) -> None:
    connection = Connection(format, "backend")
    large = "x" * 3000
    connection.limit_sending(3000)
    assert (connection.most, connection.max_frame) == (3000, MAX_FRAME)
    for send in (
        lambda: connection.send(Response(1, large)),
        lambda: connection.send_result(1, large),
        lambda: connection.send_event("tick", large),
        lambda: connection.send_ready(large),
    ):
        with pytest.raises(FrameTooLarge, match="limit of 3000 bytes"):
            send()
    small = connection.send_result(1, "x" * 2900)
    connection.limit_sending(None)
    assert connection.send_result(1, "x" * 2900) == small
    assert len(connection.send_result(1, large)) > 3000


def test_what_the_peer_sends_is_held_to_our_own_limit_only() -> None:
    connection = backend()
    connection.limit_sending(2000)
    request = host().send_request(1, "x", ["y" * 5000])
    assert connection.receive_data(request) == [Request(1, "x", ["y" * 5000])]


@pytest.mark.parametrize(
    ("theirs", "most"),
    [
        (5, LEAST_FRAME), (-1, LEAST_FRAME), (5000, 5000), (8000, 8000), (1 << 80, 8000),
        (None, 8000), (True, 8000), ("5000", 8000), (5e3, 8000),
    ],
)  # fmt: skip
def test_the_smaller_limit_counts_and_what_is_none_does_not(theirs: object, most: int) -> None:
    connection = backend(max_frame=8000)
    heard: list[int] = []
    connection.when_limited(heard.append)
    connection.limit_sending(theirs)
    assert connection.most == most
    assert heard == [8000, most]
