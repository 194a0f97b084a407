"""An array of requests is answered with one array, in any order, within the cap of a frame."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridgekit.errors import FrameTooLarge
from bridgekit.wire.connection import Connection
from bridgekit.wire.dialect._batch import Batches
from bridgekit.wire.messages import Event, Failure, Malformed, Request, Response


def call(call_id: Any, method: str = "m") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call_id, "method": method}


NOTE = {"jsonrpc": "2.0", "method": "note"}


def opened(*entries: Any, **options: Any) -> tuple[Connection, list[Any]]:
    backend = Connection("jsonrpc", "backend", **options)
    return backend, list(backend.receive_data(json.dumps(entries).encode() + b"\n"))


def answer(backend: Connection, message: Any) -> bytes:
    """What a backend says to a message."""
    if isinstance(message, Malformed):
        return backend.send(Failure(message.id, str(message.error), message.error.code))
    return backend.send_result(message.id, f"result of {message.id}")


def arrays(data: bytes) -> list[list[Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_one_array_when_the_last_is_there() -> None:
    backend, requests = opened(call(1), NOTE, call("2"), call(3))
    assert requests == [Request(1, "m"), Request(None, "note"), Request("2", "m"), Request(3, "m")]
    assert answer(backend, requests[3]) == answer(backend, requests[0]) == b""
    assert answer(backend, requests[1]) == b"", "a notification has no answer"
    assert backend.send_event("tick", {"n": 1}) == (
        b'{"jsonrpc":"2.0","method":"tick","params":{"n":1}}\n'
    )
    [array] = arrays(answer(backend, requests[2]))
    assert [entry["id"] for entry in array] == [3, 1, "2"]
    assert answer(backend, Request(1, "m")) == b'{"jsonrpc":"2.0","id":1,"result":"result of 1"}\n'


def test_entries_that_are_no_requests_have_their_place() -> None:
    backend, messages = opened(1, call(1), {"foo": "bar"}, {"id": 5, "method": 7}, [call(2)])
    assert [type(m).__name__ for m in messages] == ["Malformed", "Request", *["Malformed"] * 3]
    sent = [answer(backend, message) for message in messages]
    assert sent[:-1] == [b""] * 4
    [array] = arrays(sent[-1])
    assert [entry["id"] for entry in array] == [None, 1, None, 5, None]
    assert [entry.get("error", {}).get("code") for entry in array] == [-32600, None] + [-32600] * 3
    assert "entry of a batch" in repr(messages[0].id)


def test_only_notifications_have_no_answer() -> None:
    backend, messages = opened(NOTE, NOTE)
    assert [answer(backend, message) for message in messages] == [b"", b""]
    assert backend.dialect._batches._by_id == {}


def test_an_empty_batch_is_no_request() -> None:
    backend, [bad] = opened()
    assert isinstance(bad, Malformed) and bad.id is None
    assert arrays(answer(backend, bad)) == [
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": str(bad.error)}}
    ]


def test_a_batch_of_garbage_is_refused_as_a_whole() -> None:
    backend, [bad] = opened(*[1] * 101, call(1))
    assert isinstance(bad, Malformed) and bad.id is None
    backend, messages = opened(*[1] * 100, call(1))
    assert len(messages) == 101
    data = b"".join(answer(backend, message) for message in messages)
    assert [len(array) for array in arrays(data)] == [101]


def test_batches_and_single_requests_beside_each_other() -> None:
    backend, first = opened(call(1), call(2))
    second = backend.receive_data(json.dumps([call(1), call(True)]).encode() + b"\n")
    assert isinstance(second[1], Malformed), "true is no id"
    [single] = backend.receive_data(json.dumps(call(9)).encode() + b"\n")
    assert arrays(answer(backend, single))[0]["id"] == 9  # type: ignore[call-overload]
    assert answer(backend, first[0]) == b""
    [array] = arrays(answer(backend, first[1]))
    assert [entry["id"] for entry in array] == [1, 2]
    assert answer(backend, second[1]) == b""
    [array] = arrays(answer(backend, second[0]))
    assert [entry["id"] for entry in array] == [None, 1]


def test_the_types_of_ids_count() -> None:
    backend, messages = opened(call(1), call("1"), call(1.0))
    sent = [answer(backend, message) for message in messages]
    assert sent[:2] == [b"", b""] and len(arrays(sent[2])[0]) == 3


def test_answers_over_the_cap_come_in_several_arrays() -> None:
    backend, requests = opened(*[call(n) for n in range(6)], max_frame=400)
    data = b"".join(backend.send_result(n, "x" * 100) for n in range(6))
    assert [len(array) for array in arrays(data)] == [2, 2, 2]
    assert all(len(line) <= 400 for line in data.splitlines())
    assert len(requests) == 6


def test_an_answer_too_large_can_be_answered_otherwise() -> None:
    backend, _ = opened(call(1), call(2), max_frame=400)
    with pytest.raises(FrameTooLarge):
        backend.send_result(1, "x" * 400)
    assert backend.send(Failure(1, "too large", "frame_too_large")) == b""
    [array] = arrays(backend.send_result(2, "fine"))
    assert [entry["id"] for entry in array] == [1, 2]


def test_what_is_no_answer_passes_at_once() -> None:
    batches = Batches()
    assert batches.gather(Event("tick"), b"{}", 100) == [b"{}"]
    assert batches.gather(Response(1, 2), b"{}", 100) == [b"{}"]
    batches._by_id[int, 1] = []
    assert batches.gather(Response([1], 2), b"{}", 100) == [b"{}"], "an id that is no key"
    assert batches.gather(Response(1, 2), b"{}", 100) == [b"{}"]


def test_a_host_keeps_the_answers_among_much_garbage() -> None:
    host = Connection("jsonrpc", "host")
    entries = [*[1, {"x": 1}] * 5000, {"id": 7, "result": 8}, *[2, {}] * 5000]
    messages = host.receive_data(json.dumps(entries).encode() + b"\n")
    assert len(messages) == 101 and messages.count(Response(7, 8)) == 1
