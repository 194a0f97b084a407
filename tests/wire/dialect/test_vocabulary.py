"""The native vocabulary: each message has one plain object, and each object one meaning."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.wire.dialect._vocabulary import Vocabulary, malformed, show
from bridgekit.wire.messages import Cancel, Event, Failure, Malformed, Request, Response

FROM_HOST = [
    (Request(1, "add", {"a": 1}), {"id": 1, "cmd": "add", "params": {"a": 1}}),
    (Request("x", "add", [1]), {"id": "x", "cmd": "add", "params": [1]}),
    (Request(None, "note"), {"cmd": "note"}),
    (Request(1, "add", None, 2.5), {"id": 1, "cmd": "add", "timeout": 2.5}),
    (Request(1, "$/cancel", {"id": 7}), {"id": 1, "cmd": "$/cancel", "params": {"id": 7}}),
    (Cancel(7), {"cmd": "$/cancel", "params": {"id": 7}}),
    (
        Response("b1", [1]),
        {"cmd": "$/reply", "params": {"call": "b1", "status": "success", "result": [1]}},
    ),
    (
        Failure("b1", "no", "x"),
        {"cmd": "$/reply", "params": {"call": "b1", "status": "error", "error": "no", "code": "x"}},
    ),
]

FROM_BACKEND = [
    (Response(1, None), {"id": 1, "status": "success", "result": None}),
    (Failure(1, "no"), {"id": 1, "status": "error", "error": "no"}),
    (
        Failure(None, "no", -5, {"a": 1}, "ValueError", "Traceback"),
        {
            "id": None,
            "status": "error",
            "error": "no",
            "traceback": "Traceback",
            "type": "ValueError",
            "code": -5,
            "data": {"a": 1},
        },
    ),
    (Event("tick", {"n": 1}), {"cmd": "tick", "status": "event", "result": {"n": 1}}),
    (Event("$/item", 1, 7), {"cmd": "$/item", "status": "event", "result": 1, "call": 7}),
    (
        Request("b1", "ask", {"q": 1}),
        {
            "cmd": "$/call",
            "status": "event",
            "result": {"cmd": "ask", "params": {"q": 1}},
            "call": "b1",
        },
    ),
    (
        Request("b1", "ask"),
        {"cmd": "$/call", "status": "event", "result": {"cmd": "ask"}, "call": "b1"},
    ),
]


def meant(role: str, value: Any) -> Any:
    out: list[Any] = []
    Vocabulary(role).decode(value, out)
    assert len(out) == 1
    return out[0]


@pytest.mark.parametrize(("message", "value"), FROM_HOST, ids=repr)
def test_from_the_host(message: Any, value: Any) -> None:
    assert Vocabulary("host").encode(message) == value
    assert meant("backend", value) == message


@pytest.mark.parametrize(("message", "value"), FROM_BACKEND, ids=repr)
def test_from_the_backend(message: Any, value: Any) -> None:
    assert Vocabulary("backend").encode(message) == value
    assert meant("host", value) == message


def test_ready_is_an_answer_to_nobody() -> None:
    value = Vocabulary("backend").ready({"status": "ready"})
    assert value == {"id": 0, "status": "success", "result": {"status": "ready"}}
    assert Vocabulary("backend").preamble == b""


@pytest.mark.parametrize(
    ("role", "value", "message"),
    [
        ("backend", {"id": 1, "cmd": "a", "params": None, "more": 1}, Request(1, "a")),
        ("backend", {"id": None, "cmd": "a"}, Request(None, "a")),
        ("backend", {"cmd": "$/cancel", "params": [7]}, Request(None, "$/cancel", [7])),
        ("backend", {"cmd": "$/ack", "params": {"call": 1}}, Request(None, "$/ack", {"call": 1})),
        ("host", {"id": 1, "status": "success"}, Response(1, None)),
        ("host", {"status": "success", "result": 2}, Response(None, 2)),
        ("host", {"id": 1, "status": "error"}, Failure(1, "null")),
        ("host", {"id": 1, "status": "error", "error": {"a": 1}}, Failure(1, "an object with 'a'")),
        ("host", {"id": 1, "status": "error", "error": "x", "type": 5}, Failure(1, "x")),
        ("host", {"id": 9, "status": "event", "cmd": "t", "extra": 1}, Event("t")),
    ],
)
def test_what_others_may_say(role: str, value: Any, message: Any) -> None:
    assert meant(role, value) == message


@pytest.mark.parametrize(
    ("role", "value", "call_id"),
    [
        ("backend", [], None),
        ("backend", {"id": 1}, 1),
        ("backend", {"id": 1, "cmd": None}, 1),
        ("backend", {"id": 1, "cmd": ["a"]}, 1),
        ("backend", {"id": 1, "cmd": "a", "params": 5}, 1),
        ("backend", {"cmd": "$/reply", "params": {"call": "b1"}}, "b1"),
        ("host", "text", None),
        ("host", {"id": 1}, 1),
        ("host", {"id": 1, "status": "odd"}, 1),
        ("host", {"status": "event"}, None),
        ("host", {"status": "event", "cmd": 5}, None),
        ("host", {"status": "event", "cmd": "$/call", "result": {}}, None),
        ("host", {"status": "event", "cmd": "$/call", "result": 5, "call": 1}, None),
    ],
)
def test_what_means_nothing(role: str, value: Any, call_id: Any) -> None:
    message = meant(role, value)
    assert isinstance(message, Malformed)
    assert (message.id, message.error.code) == (call_id, "invalid_request")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"), (True, "true"), (1, "1"), (1.5, "1.5"), ("a", "'a'"), (b"a", "b'a'"), ([1, 2], "an array of 2"),
        ({}, "an empty object"), ({"a": 1, "b": 2}, "an object with 'a', 'b'"),
        ("x" * 100, repr("x" * 60) + "..."), (10**4000, "a very long number"),
        ({str(n): n for n in range(9)}, "an object with '0', '1', '2', '3', '4', '5', ..."),
        ({1: 2, b"x" * 99: 3}, "an object with 1, " + repr(b"x" * 99)[:60]),
    ],
)  # fmt: skip
def test_a_value_is_shown_shortly(value: Any, text: str) -> None:
    assert show(value) == text
    assert str(malformed("why", value, 5).error) == f"why; got {text}"
