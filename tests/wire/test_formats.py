"""What holds for every format, found by its file: nothing is lost, nothing raises."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import ProtocolError
from bridgekit.wire.connection import Connection
from bridgekit.wire.format import available_formats
from bridgekit.wire.messages import (
    Cancel,
    Event,
    Failure,
    Malformed,
    Request,
    Response,
)

FORMATS = available_formats()
ROLES = ("host", "backend")
KINDS = (Request, Response, Failure, Event, Cancel, Malformed)

pytest.importorskip("msgpack")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
IDS = st.integers(1, 2**53) | st.text("abc-1", min_size=1, max_size=8)
NAMES = st.sampled_from(
    ["add", "train.epoch", "$/hello", "$/ping", "$/ack", "$/batch", "$/describe", "é", ""]
)
PARAMS = st.none() | st.lists(VALUES, max_size=3) | st.dictionaries(TEXT, VALUES, max_size=3)
CODES = st.none() | st.integers(-40000, 40000) | st.sampled_from(["cancelled", "internal", "own"])
OUTCOMES = st.builds(Response, IDS, VALUES) | st.builds(
    Failure, IDS, TEXT, CODES, VALUES, st.none() | TEXT, st.none() | TEXT
)
TOPICS = st.sampled_from(
    ["tick", "a.b", "$/item", "$/progress", "$/log", "$/output", "$/part", "é"]
)
FROM = {
    "host": st.builds(Request, IDS | st.none(), NAMES, PARAMS, st.none() | st.floats(0, 1e9))
    | OUTCOMES
    | st.builds(Cancel, IDS),
    "backend": st.builds(Request, IDS, st.sampled_from(["ask", "é"]), PARAMS)
    | OUTCOMES
    | st.builds(Event, TOPICS, VALUES, st.none() | IDS),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("format", FORMATS)
@given(data=st.data())
def test_every_message_comes_back_however_it_is_cut(format: str, role: str, data: Any) -> None:
    messages = data.draw(st.lists(FROM[role], max_size=4))
    sender = Connection(format, role)
    stream = sender.preamble + b"".join(sender.send(message) for message in messages)
    other = ROLES[role == "host"]
    assert Connection(format, other).receive_data(stream) == messages
    receiver = Connection(format, other)
    size = data.draw(st.integers(1, max(1, len(stream))))
    got = [
        message
        for at in range(0, len(stream), size)
        for message in receiver.receive_data(stream[at : at + size])
    ]
    assert got == messages and receiver.receive_eof() == []


SEEDS = st.sampled_from(
    [
        b'{"id":1,"cmd":"a"}\n', b'{"id":1,"status":"success","result":1}\0', b"Content-Length: 2\r\n",
        b"\r\n", b"{}", b"[", b"]", b'"', b"\0\0\0\2", b"\x82\xa2id\1\xa3cmd\xa1a", b'{"jsonrpc":"2.0",',
        b'"id":1,', b'"method":"a"}', b'"result":1}', b'"error":{"code":1}}', b"text ", b"\n", b"\0",
    ]
)  # fmt: skip
STREAMS = st.lists(SEEDS | st.binary(max_size=8), max_size=12).map(b"".join)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("format", FORMATS)
@given(stream=STREAMS, cut=st.integers(0, 120))
def test_no_bytes_raise_and_no_cut_changes_them(
    format: str, role: str, stream: bytes, cut: int
) -> None:
    whole = Connection(format, role, max_frame=64, max_depth=8)
    expected = whole.receive_data(stream) + whole.receive_eof()
    assert all(type(message) in KINDS for message in expected)
    assert all(isinstance(m.error, ProtocolError) for m in expected if isinstance(m, Malformed))
    halves = Connection(format, role, max_frame=64, max_depth=8)
    got = halves.receive_data(stream[:cut]) + halves.receive_data(stream[cut:])
    assert plainly(got + halves.receive_eof()) == plainly(expected)


def plainly(messages: list[Any]) -> str:
    shown = [
        (m.error.code, None if "batch" in repr(m.id) else m.id) if isinstance(m, Malformed) else m
        for m in messages
    ]
    return repr(shown)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("format", FORMATS)
def test_a_good_frame_is_read_after_any_garbage(format: str, role: str) -> None:
    """After one more frame at the latest: the garbage may have taken its front."""
    other = ROLES[role == "host"]
    good = Connection(format, other).send(Request("x", "add", {"a": 1}))
    for garbage in (
        b"text",
        b"text\n",
        b"{",
        b'{"id":1',
        b"\xff\xfe\xfd",
        b"[1,2,",
        b"Content-Length: x\n",
    ):
        connection = Connection(format, role)
        got = [m for _ in range(3) for m in connection.receive_data(garbage + good + good)]
        assert got.count(Request("x", "add", {"a": 1})) >= 3, garbage


@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_sent_names_its_place(format: str) -> None:
    backend = Connection(format, "backend")
    bad = {"rows": [1, {"x": object()}]}
    for send in (
        lambda: backend.send_result(1, bad),
        lambda: backend.send(Response(1, bad)),
    ):
        with pytest.raises(ProtocolError, match=r"result\.rows\[1\]\.x cannot be sent"):
            send()


@pytest.mark.parametrize("format", FORMATS)
def test_integers_are_exact_or_refused(format: str) -> None:
    host, backend = Connection(format, "host"), Connection(format, "backend")
    for number in (2**53 + 1, -(2**63), 2**64 - 1, 2**64, -(10**30)):
        try:
            data = backend.send_result(1, number)
        except ProtocolError:
            assert format == "msgpack" and not -(2**63) <= number < 2**64
        else:
            assert host.receive_data(data) == [Response(1, number)]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_nan_never_reaches_a_json_wire(format: str, number: float) -> None:
    backend = Connection(format, "backend")
    if format == "msgpack":
        assert backend.send_result(1, number)
    else:
        with pytest.raises(ProtocolError, match="not a JSON number"):
            backend.send_result(1, number)
