"""Handing out what was read: whole, in pieces, and resumed wherever it was interrupted."""

from __future__ import annotations

import gc
import json
import os
import sys
from _thread import get_ident
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.blocking.calls import Call, Items
from bridgekit.blocking.inbox import Inbox, Torn
from bridgekit.host.hooks import Hooks
from bridgekit.host.session import Session
from bridgekit.wire.messages import Event, Request
from bridgekit.wire.quick_host import host_receiver


class Seen(Hooks):
    def __init__(self) -> None:
        self.events_seen: list[Event] = []
        self.requests: list[Request] = []

    def event(self, event: Event, cost: int) -> None:
        self.events_seen.append(event)

    def burst(self, events: list[Event], cost: int) -> None:
        self.events_seen.extend(events)

    def request(self, request: Request) -> None:
        self.requests.append(request)

    def knows(self, request: Request) -> bool:
        return any(each is request for each in self.requests)


class Wire:
    """A session with calls in flight, and a pipe into its inbox."""

    def __init__(self, format_name: str = "native") -> None:
        self.hooks = Seen()
        self.session = Session("test", self.hooks, format_name)
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.inbox = Inbox(self.session, self.reader)
        self.calls = [Call("add", None, 5.0) for _ in range(3)]
        self.stream = Items("rows", None, None)
        for call in (*self.calls, self.stream):
            self.session.open(call)

    def feed(self, data: bytes) -> None:
        os.write(self.writer, data)
        self.inbox.read()

    def close(self) -> None:
        os.close(self.reader)
        if self.writer >= 0:
            os.close(self.writer)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


DATA = (
    b'{"id":1,"status":"success","result":10}\0'
    b'{"cmd":"tick","status":"event","result":1}\0'
    b'{"id":2,"status":"error","error":"no","type":"ValueError"}\0'
    b'{"cmd":"$/item","status":"event","result":{"seq":1,"value":"a"},"call":4}\0'
    b'{"cmd":"$/item","status":"event","result":{"seq":2,"value":"b"},"call":4}\0'
    b'{"cmd":"$/call","status":"event","result":{"cmd":"ask","params":null},"call":"b1"}\0'
    b'{"id":3,"status":"success","result":12345678901234567890123}\0'
    b'{"id":99,"status":"success","result":null}\0'
)


def check(wire: Wire, events: tuple[int, ...] = (1,)) -> None:
    first, second, third = wire.calls
    assert (first.done, first.result) == (True, 10)
    assert second.done
    assert type(second.error).__name__ == "RemoteError"
    assert (third.done, third.result) == (True, 12345678901234567890123)
    assert [value for _, value in wire.stream.items] == ["a", "b"]
    assert len(wire.hooks.events_seen) in events
    assert len(wire.hooks.requests) == 1
    assert wire.session.in_flight == 1  # the stream


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_any_pieces(wire: Wire, size: int) -> None:
    for start in range(0, len(DATA), size):
        wire.feed(DATA[start : start + size])
        assert wire.inbox.deliver()
    check(wire)
    assert wire.session.late == 1
    assert wire.inbox.idle


def test_several_chunks_at_once(wire: Wire) -> None:
    for start in range(0, len(DATA), 50):
        wire.feed(DATA[start : start + 50])
    assert wire.inbox.deliver()
    check(wire)


def test_the_end_of_the_stream(wire: Wire) -> None:
    wire.feed(DATA)
    os.close(wire.writer)
    wire.writer = -1
    wire.inbox.read()
    assert not wire.inbox.deliver()
    assert not wire.inbox.deliver()
    check(wire)


TICKS = b"".join(
    b'{"cmd":"%b","status":"event","result":%d}\0' % (topic, number)
    for topic in (b"tick", b"tock")
    for number in range(60)
)


def accelerated() -> Wire:
    pytest.importorskip("orjson")
    wire = Wire()
    wire.session.connection.codec.accelerate()
    wire.inbox._quickly = host_receiver(wire.session.connection)
    return wire


@pytest.mark.parametrize("size", [64, 700, 100_000])
def test_bursts_in_any_pieces(size: int) -> None:
    wire = accelerated()
    data = TICKS + DATA + TICKS
    for start in range(0, len(data), size):
        wire.feed(data[start : start + size])
        assert wire.inbox.deliver()
    check(wire, events=(241,))
    seen = wire.hooks.events_seen
    ticks = [("tick", number) for number in range(60)] + [("tock", number) for number in range(60)]
    assert [(event.topic, event.data) for event in seen] == [*ticks, ("tick", 1), *ticks]
    wire.close()


def test_an_interrupt_at_any_bytecode_repeats_no_burst() -> None:
    moment, came = 1, True
    while came:
        wire = accelerated()
        wire.feed(TICKS[: len(TICKS) // 2] + DATA)
        came = False
        try:
            with Interrupter(moment):
                wire.inbox.deliver()
        except KeyboardInterrupt:
            came = True
        assert wire.inbox.deliver()
        check(wire, events=(0, 1, 60, 61))
        data = [event.data for event in wire.hooks.events_seen]
        assert data in ([], [1], list(range(60)), [*range(60), 1])
        wire.close()
        moment += 17  # a prime: the many rounds of a loop are each interrupted elsewhere
    assert moment > 300


def test_a_caller_that_listens_gets_its_burst() -> None:
    wire = accelerated()
    heard: list[Event] = []
    wire.calls[0].on_event = heard.append
    wire.feed(b'{"cmd":"tick","status":"event","result":1,"call":1}\0' * 60)
    wire.inbox.deliver()
    assert len(heard) == len(wire.hooks.events_seen) == 60
    wire.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 6) | st.sampled_from(["1", 1.0, True, None, [1], 2**64]),
        "status": st.sampled_from(["success", "success", "success", "error", "event", 1]),
        "result": JSON,
        "error": st.text(max_size=5),
        "cmd": st.sampled_from(["tick", "$/item", 3]),
    },
)


def outcome(wire: Wire) -> object:
    """What can be seen of all that was handed out."""
    session = wire.session
    calls = [(call.done, getattr(call, "result", None), repr(call.error)) for call in wire.calls]
    events = [(event.topic, event.data, event.call) for event in wire.hooks.events_seen]
    counts = (session.in_flight, session.completed, session.failed, session.late)
    return repr((calls, list(wire.stream.items), events, counts, wire.inbox.idle))


def handed_out(chunks: list[bytes], *, in_main: bool) -> object:
    wire = accelerated()
    inbox = Inbox(wire.session, wire.reader)
    inbox._quickly = wire.inbox._quickly
    inbox._main = get_ident() if in_main else None
    wire.inbox = inbox
    try:
        for chunk in chunks:
            inbox.chunks.append(chunk)
            assert inbox.deliver()
        return outcome(wire)
    finally:
        wire.close()


@given(st.lists(ANSWERS, max_size=3), st.sampled_from([b"", b"\0", b" ", b"}", b"\xff", b"null"]))
def test_other_threads_understand_the_same_as_the_main_thread(
    answers: list[dict[str, Any]], more: bytes
) -> None:
    """Where no interrupt rises, an answer that stands alone is settled by a shorter way."""
    chunks = [json.dumps(answer).encode() + b"\0" for answer in answers]
    for each in (chunks, [b"".join(chunks) or b"\0"], [*chunks[:1], more + b"\0", *chunks[1:]]):
        assert handed_out(each, in_main=False) == handed_out(each, in_main=True)


def test_the_shorter_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = accelerated()
    inbox = Inbox(wire.session, wire.reader)
    monkeypatch.setattr(inbox, "_quickly", None)
    inbox._main = None
    inbox.chunks.append(b'{"id":2,"status":"success","result":[1,{"a":"b"}]}\0')
    assert inbox.deliver()
    assert (wire.calls[1].done, wire.calls[1].result) == (True, [1, {"a": "b"}])
    assert not inbox.chunks
    wire.close()


def test_nothing_to_read(wire: Wire) -> None:
    with pytest.raises(BlockingIOError):
        wire.inbox.read()
    assert wire.inbox.deliver()


class Interrupter:
    """Raises KeyboardInterrupt at the n-th line or return that is run in given files."""

    def __init__(self, moment: int) -> None:
        self.left = moment
        self._before = sys.gettrace()  # coverage, where it measures

    def __enter__(self) -> None:
        gc.disable()  # nothing can be raised from what runs where something is collected
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)
        gc.enable()

    def _trace(self, frame: Any, kind: str, _: object) -> Any:
        if "bridgekit" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if kind in ("opcode", "line"):
            self.left -= 1
            if self.left == 0:
                sys.settrace(self._before)
                raise KeyboardInterrupt
        return self._trace


def interrupted_at(moment: int, chunks: list[bytes]) -> bool:
    """Deliver ``chunks`` with an interrupt at one moment; return whether it came."""
    wire = Wire()
    torn = came = False
    try:
        for chunk in chunks:
            wire.feed(chunk)
            try:
                if not came:
                    with Interrupter(moment):
                        wire.inbox.deliver()
            except KeyboardInterrupt:
                came = True
            try:
                assert wire.inbox.deliver()
            except Torn:
                torn = True
                break
        if torn:
            assert len(chunks) > 1  # only a frame that began in an earlier chunk can be torn
        else:
            check(wire, events=(0, 1))
    finally:
        wire.close()
    return came


def test_an_interrupt_at_any_bytecode_loses_nothing_and_repeats_nothing() -> None:
    moment = 1
    while interrupted_at(moment, [DATA]):
        moment += 3
    assert moment > 300


def test_an_interrupt_inside_a_frame_of_two_chunks_is_survived_or_reported() -> None:
    moment = 1
    while interrupted_at(moment, [DATA[:60], DATA[60:]]):
        moment += 7


def test_a_wire_whose_framing_has_more_to_remember_is_never_mended(wire: Wire) -> None:
    other = Wire("lsp")
    try:
        other.inbox._cutting = False
        with pytest.raises(Torn):
            other.inbox.deliver()
    finally:
        other.close()
