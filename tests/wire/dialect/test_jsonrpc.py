"""JSON-RPC 2.0: the specification's own examples, and what LSP adds to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridgekit.errors import EncodeError
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Cancel, Event, Failure, Malformed, Request, Response


def heard(role: str, value: Any) -> list[Any]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(Connection("jsonrpc", role).receive_data(data + b"\n"))


def said(role: str, message: Any) -> Any:
    data = Connection("jsonrpc", role).send(message)
    return json.loads(data) if data else None


V = {"jsonrpc": "2.0"}


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (
            Request(1, "subtract", [42, 23]),
            {**V, "id": 1, "method": "subtract", "params": [42, 23]},
        ),
        (
            Request(4, "subtract", {"a": 1}),
            {**V, "id": 4, "method": "subtract", "params": {"a": 1}},
        ),
        (Request("1", "get"), {**V, "id": "1", "method": "get"}),
        (Request(1, "slow", None, 2.5), {**V, "id": 1, "method": "slow", "timeout": 2.5}),
        (Request(None, "update", [1, 2]), {**V, "method": "update", "params": [1, 2]}),
        (Request(1, "$/describe"), {**V, "id": 1, "method": "rpc.discover"}),
        (Request(1, "$/ping"), {**V, "id": 1, "method": "$/ping"}),
        (Cancel(7), {**V, "method": "$/cancelRequest", "params": {"id": 7}}),
        (Response("b1", 5), {**V, "id": "b1", "result": 5}),
        (Failure("b1", "no", 5), {**V, "id": "b1", "error": {"code": 5, "message": "no"}}),
    ],
    ids=repr,
)
def test_from_the_host(message: Any, value: Any) -> None:
    assert said("host", message) == value
    assert heard("backend", value) == [message]


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (Response(1, 19), {**V, "id": 1, "result": 19}),
        (Response(1, None), {**V, "id": 1, "result": None}),
        (
            Failure(1, "no", "method_not_found"),
            {**V, "id": 1, "error": {"code": -32601, "message": "no"}},
        ),
        (
            Failure(1, "bad", None, {"x": 1}, "ValueError", "Traceback ..."),
            {
                **V, "id": 1,
                "error": {
                    "code": -32603, "message": "bad",
                    "data": {"type": "ValueError", "traceback": "Traceback ...", "data": {"x": 1}},
                },
            },
        ),
        (Request("b1", "ask", {"q": 1}), {**V, "id": "b1", "method": "ask", "params": {"q": 1}}),
        (Event("tick", {"n": 1}), {**V, "method": "tick", "params": {"n": 1}}),
        (Event("tick", [1]), {**V, "method": "tick", "params": {"data": [1]}}),
        (Event("tick", 5), {**V, "method": "tick", "params": {"data": 5}}),
        (Event("tick"), {**V, "method": "tick"}),
        (Event("tick", {"data": 1}), {**V, "method": "tick", "params": {"data": {"data": 1}}}),
        (
            Event("tick", {"data": 1, "call": 2}),
            {**V, "method": "tick", "params": {"data": {"data": 1, "call": 2}}},
        ),
        (Event("tick", {"data": 1, "x": 2}), {**V, "method": "tick", "params": {"data": 1, "x": 2}}),
        (Event("tick", {"n": 1}, 7), {**V, "method": "tick", "params": {"data": {"n": 1}, "call": 7}}),
        (
            Event("$/progress", {"progress": 0.5}, 7),
            {**V, "method": "$/progress", "params": {"token": 7, "value": {"progress": 0.5}}},
        ),
        (Cancel("b1"), {**V, "method": "$/cancelRequest", "params": {"id": "b1"}}),
    ],
    ids=repr,
)  # fmt: skip
def test_from_the_backend(message: Any, value: Any) -> None:
    assert said("backend", message) == value
    assert heard("host", value) == [message]


def test_ready_is_a_notification() -> None:
    """A response with id 0 could meet a client whose first request has that id."""
    for info, params in (({"status": "ready"}, {"status": "ready"}), ("up", {"data": "up"})):
        data = Connection("jsonrpc", "backend").send_ready(info)
        assert json.loads(data) == {**V, "method": "$/ready", "params": params}
        assert heard("host", data[:-1]) == [Response(0, info)]


def test_library_values_make_objects_too() -> None:
    class Point:
        __attrs_attrs__ = ()

    assert said("backend", Event("tick", Point())) == {**V, "method": "tick", "params": {}}
    assert said("backend", Event("tick", {1})) == {**V, "method": "tick", "params": {"data": [1]}}


def test_a_notification_is_never_answered() -> None:
    assert said("backend", Response(None, 5)) is None
    assert said("backend", Failure(None, "no", "method_not_found")) is None
    assert said("backend", Failure(None, "no")) is None


@pytest.mark.parametrize(
    ("code", "number"),
    [("decode_error", -32700), ("invalid_request", -32600), ("frame_too_large", -32010)],
)
def test_a_frame_without_an_id_is_answered_with_null(code: str, number: int) -> None:
    value = said("backend", Failure(None, "no", code))
    assert value == {**V, "id": None, "error": {"code": number, "message": "no"}}


@pytest.mark.parametrize(
    ("text", "code", "call_id"),
    [
        (b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', "decode_error", None),
        (b'{"jsonrpc": "2.0", "method": 1, "params": "bar"}', "invalid_request", None),
        (b'{"jsonrpc": "2.0", "method": "m", "params": "bar", "id": 3}', "invalid_request", 3),
        (b'{"jsonrpc": "1.0", "method": "m", "id": 3}', "invalid_request", 3),
        (b'{"method": "m", "id": 3}', "invalid_request", 3),
        (b'{"jsonrpc": "2.0", "method": "m", "id": [3]}', "invalid_request", None),
        (b'{"jsonrpc": "2.0", "method": "m", "id": true}', "invalid_request", None),
        (b'{"jsonrpc": "2.0", "id": 3}', "invalid_request", 3),
        (b'{"id": 3, "error": null}', "invalid_request", 3),
        (b"[]", "invalid_request", None),
        (b"1", "invalid_request", None),
    ],
)
def test_what_means_nothing(text: bytes, code: str, call_id: Any) -> None:
    [bad] = heard("backend", text)
    assert isinstance(bad, Malformed)
    assert (bad.error.code, bad.id) == (code, call_id)


@pytest.mark.parametrize(
    ("role", "value", "message"),
    [
        ("backend", {**V, "method": "m", "id": None}, Request(None, "m")),
        ("backend", {**V, "method": "m", "params": None, "id": 1}, Request(1, "m")),
        ("backend", {**V, "method": "$/cancel", "params": {"id": 1}}, Cancel(1)),
        ("backend", {**V, "method": "$/setTrace", "params": {"value": "off"}},
         Request(None, "$/setTrace", {"value": "off"})),
        ("host", {"id": 1, "result": 5}, Response(1, 5)),
        ("host", {"id": 1, "result": 5, "error": None}, Response(1, 5)),
        ("host", {"id": 1, "error": "text"}, Failure(1, "text")),
        ("host", {**V, "method": "log", "params": [1, 2]}, Event("log", [1, 2])),
        ("host", {**V, "method": "$/progress", "params": {"x": 1}}, Event("$/progress", {"x": 1})),
    ],
)  # fmt: skip
def test_what_others_may_say(role: str, value: Any, message: Any) -> None:
    assert heard(role, value) == [message]


def test_a_host_takes_arrays_of_answers() -> None:
    values = [{"id": 1, "result": 5}, {"id": 2, "error": {"code": 5, "message": "no"}}]
    assert heard("host", values) == [Response(1, 5), Failure(2, "no", 5)]
    [bad] = heard("host", [])
    assert isinstance(bad, Malformed)


def test_a_request_that_is_too_large_keeps_its_id() -> None:
    data = Connection("jsonrpc", "host").send_request(12, "m", {"x": "y" * 2000})
    [bad] = Connection("jsonrpc", "backend", max_frame=1000).receive_data(data)
    assert isinstance(bad, Malformed) and bad.id == 12


def test_text_printed_into_the_line_of_an_answer() -> None:
    stray, answer = heard("host", b'progress... {"jsonrpc":"2.0","id":1,"result":2}')
    assert isinstance(stray, Malformed) and stray.error.code == "stray_output"
    assert answer == Response(1, 2)


def test_reserved_names_with_odd_parameters_still_come_back() -> None:
    for event in (Event("$/progress", {"token": 1}), Event("$/progress", {"token": 1}, 5)):
        assert heard("host", said("backend", event)) == [event]
    assert heard("backend", {**V, "method": "$/cancelRequest", "params": {}}) == [
        Request(None, "$/cancelRequest", {})
    ]


def test_a_client_may_choose_the_token_of_a_calls_progress() -> None:
    backend = Connection("jsonrpc", "backend")

    def call(call_id: Any, params: Any) -> Any:
        frame = json.dumps({**V, "id": call_id, "method": "work", "params": params}).encode()
        [request] = backend.receive_data(frame + b"\n")
        return request.params

    def token(call_id: Any) -> Any:
        return json.loads(backend.send(Event("$/progress", 0.5, call_id)))["params"]["token"]

    assert call(1, {"n": 1, "workDoneToken": "mine"}) == {"n": 1}
    assert call("1", {"workDoneToken": 7}) == {}
    assert call(2, {"n": 1}) == {"n": 1}
    assert call(3, ["workDoneToken"]) == ["workDoneToken"]
    assert call(4, {"workDoneToken": None}) == {"workDoneToken": None}
    assert [token(each) for each in (1, "1", 2)] == ["mine", 7, 2]
    assert json.loads(backend.send(Event("tick", 1, 1)))["params"]["call"] == 1
    backend.send(Response(1, None))
    backend.send(Failure("1", "no"))
    assert [token(each) for each in (1, "1")] == [1, "1"]


def test_an_event_that_cannot_be_sent_names_its_place() -> None:
    with pytest.raises(EncodeError, match=r"params\.data cannot be sent"):
        said("backend", Event("tick", object()))
