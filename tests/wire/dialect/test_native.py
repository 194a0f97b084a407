"""The default format, byte for byte."""

from __future__ import annotations

import pytest

from bridgekit.errors import EncodeError
from bridgekit.wire.codec.json import Codec
from bridgekit.wire.connection import Connection
from bridgekit.wire.dialect.native import Dialect
from bridgekit.wire.messages import Cancel, Event, Failure, Request, Response


def test_its_layers() -> None:
    connection = Connection("native", "backend")
    assert connection.framing.__module__.endswith(".null")
    assert connection.codec.__module__.endswith(".json")


def test_the_frames_of_a_host() -> None:
    host = Connection("native", "host")
    assert host.send(Request(1, "greet", {"name": "Ada"})) == (
        b'{"id":1,"cmd":"greet","params":{"name":"Ada"}}\n'
    )
    assert host.send_request(1, "greet", {"name": "Ada"}, 5) == (
        b'{"id":1,"cmd":"greet","params":{"name":"Ada"},"timeout":5}\n'
    )
    assert host.send(Cancel(7)) == b'{"cmd":"$/cancel","params":{"id":7}}\n'


def test_the_frames_of_a_backend() -> None:
    backend = Connection("native", "backend")
    assert backend.preamble == b"\0"
    assert backend.send(Response(1, {"greeting": "Hello, Ada!"})) == (
        b'{"id":1,"status":"success","result":{"greeting":"Hello, Ada!"}}\0'
    )
    assert backend.send(Failure(1, "division by zero", traceback="Traceback ...")) == (
        b'{"id":1,"status":"error","error":"division by zero","traceback":"Traceback ..."}\0'
    )
    assert backend.send(Event("tick", {"n": 1})) == (
        b'{"cmd":"tick","status":"event","result":{"n":1}}\0'
    )
    assert backend.send_ready({"status": "ready", "python_version": "3.12.1"}) == (
        b'{"id":0,"status":"success","result":{"status":"ready","python_version":"3.12.1"}}\0'
    )


def test_texts_that_need_no_object() -> None:
    encode = Codec("host").encode
    host, backend = Dialect("host"), Dialect("backend")
    assert host.request_text(encode, 1, "a", {"x": 1}, 2.5) == (
        b'{"id":1,"cmd":"a","params":{"x":1},"timeout":2.5}'
    )
    assert backend.result_text(encode, 1, "é") == b'{"id":1,"status":"success","result":"\\u00e9"}'
    assert backend.event_text(encode, "t", 1, None) == b'{"cmd":"t","status":"event","result":1}'
    assert backend.part_text(7, 8, b"[[1]]") == (
        b'{"cmd":"$/part","status":"event","result":{"first":8,"results":[[1]]},"call":7}'
    )


def test_where_the_plain_way_must_be_taken() -> None:
    encode = Codec("host").encode
    host, backend = Dialect("host"), Dialect("backend")
    assert host.request_text(encode, "1", "a", {}, None) is None
    assert host.request_text(encode, True, "a", {}, None) is None
    assert host.request_text(encode, 1, "a", None, None) is None
    assert backend.request_text(encode, 1, "a", {}, None) is None
    assert host.result_text(encode, 1, 2) is None
    assert backend.result_text(encode, "1", 2) is None
    assert backend.event_text(encode, "t", 1, "call") is None


def test_names_are_remembered_up_to_a_bound() -> None:
    host = Connection("native", "host")
    for number in range(1100):
        assert b"m%d" % number in host.send_request(1, f"m{number}", {})
    host.send_request(1, "m" * 1000, {})
    assert len(host.dialect._names) == 1024


def test_a_timeout_must_be_a_number_too() -> None:
    with pytest.raises(EncodeError):
        Connection("native", "host").send_request(1, "a", {}, float("nan"))
