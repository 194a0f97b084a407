"""What instruments are told, and how headers get on the wire."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.host import instruments as module
from bridgekit.host.instruments import Instrument, Instruments, ObservedCall, carrying
from bridgekit.policy.lifecycle import StateChange
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Request


class Notes(Instrument):
    def __init__(self, **headers: str) -> None:
        self.told: list[Any] = []
        self.headers = headers

    def call_started(self, call: ObservedCall) -> None:
        call.headers.update(self.headers)
        self.told.append(("started", call.method))

    def call_ended(self, call: ObservedCall) -> None:
        self.told.append(("ended", call.method, call.error))

    def worker_changed(self, change: StateChange) -> None:
        self.told.append((change.backend, change.old, change.new, change.reason))


def session(*features: str) -> Any:
    return SimpleNamespace(features=frozenset(features), connection=Connection("native", "host"))


def sent(call_id: int, method: str, params: Any, timeout: float | None) -> bytes:
    assert type(method) is str
    return repr((call_id, method, params)).encode()


def test_a_call_ends_once() -> None:
    notes = Notes()
    call = Instruments([notes]).call("shop", "add", "many", 3)
    assert (call.backend, call.method, call.kind, call.items) == ("shop", "add", "many", 3)
    error = ValueError("x")
    call.end(error)
    call.end(None)
    assert notes.told == [("started", "add"), ("ended", "add", error)]
    assert call.seconds >= 0.0
    assert type(call.name) is str


def test_what_an_instrument_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Instrument):
        def call_started(self, call: ObservedCall) -> None:
            raise RuntimeError("on purpose")

    notes = Notes()
    with caplog.at_level(logging.ERROR):
        Instruments([Broken(), notes]).call("shop", "add", "call").end()
    assert notes.told[0] == ("started", "add")
    assert "call_started of the instrument" in caplog.text


def test_an_instrument_need_not_listen_to_anything() -> None:
    silent = Instruments([Instrument()])
    silent.call("shop", "add", "call").end()
    silent.put(StateChange("shop", 0, "starting", "ready", "", 0.0))
    assert silent
    assert not Instruments()


def test_what_is_no_instrument() -> None:
    with pytest.raises(TypeError, match="must be Instrument objects, not 'prometheus'"):
        Instruments(["prometheus"])  # type: ignore[list-item]


def test_being_busy_is_told_by_calls_alone() -> None:
    notes = Notes()
    all_of_them = Instruments([notes])
    all_of_them.put(StateChange("shop", 0, "ready", "busy", "", 0.0))
    all_of_them.put(StateChange("shop", 0, "busy", "ready", "", 0.0))
    all_of_them.put(StateChange("shop", 0, "busy", "paused", "", 0.0))
    all_of_them.end()
    assert [new for _, _, new, _ in notes.told] == ["paused"]


def test_nothing_stands_in_the_way_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Carrying, "wanted", False)
    assert carrying(session("headers"), sent) is sent


def test_headers_go_ahead_of_their_call() -> None:
    name = Instruments([Notes(traceparent="00-x")]).call("shop", "add", "call").name
    assert name == "add"
    there = session("headers")
    carry = carrying(there, sent)
    ahead = there.connection.send(
        Request(None, "$/headers", {"call": 7, "headers": {"traceparent": "00-x"}})
    )
    assert carry(7, name, [1], None) == ahead + b"(7, 'add', [1])"
    batch = {"cmd": name, "first": 8, "params": [[1]]}
    data = carry(7, "$/batch", batch, None)
    assert data == ahead + repr((7, "$/batch", {**batch, "cmd": "add"})).encode()
    assert carry(7, "add", [1], None) == b"(7, 'add', [1])"
    assert carry(7, "$/batch", {"cmd": "add"}, None) == b"(7, '$/batch', {'cmd': 'add'})"


def test_a_backend_that_knows_no_headers_gets_none() -> None:
    name = Instruments([Notes(traceparent="00-x")]).call("shop", "add", "call").name
    assert carrying(session("stream"), sent)(7, name, [1], None) == b"(7, 'add', [1])"
