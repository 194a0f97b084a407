"""What a backend says, as a session hears it; no I/O."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.errors import (
    CallCancelled,
    FrameTooLarge,
    InvalidParams,
    MethodNotFound,
    ProtocolError,
    RemoteError,
)
from bridgekit.host.pending import WINDOW, PendingCall
from bridgekit.host.session import Session
from bridgekit.wire.bursts import PORTION, Run
from bridgekit.wire.messages import Event
from bridgekit.wire.quick_host import host_receiver
from tests.host.session_support import (
    Call,
    Clock,
    Items,
    Recorder,
    frame,
    ready_session,
    sent,
    success,
)


@pytest.fixture
def greeted() -> tuple[Session, Recorder, Clock]:
    return ready_session()


@pytest.fixture
def session(greeted: tuple[Session, Recorder, Clock]) -> Session:
    return greeted[0]


@pytest.fixture
def hooks(greeted: tuple[Session, Recorder, Clock]) -> Recorder:
    return greeted[1]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"error": "e", "type": "ValueError", "traceback": "T", "code": 3}, RemoteError),
        ({"error": "e", "code": "method_not_found"}, MethodNotFound),
        ({"error": "e", "code": "invalid_params", "type": "TypeError"}, InvalidParams),
        ({"error": "e", "code": "cancelled"}, CallCancelled),
        ({"error": "e", "code": "frame_too_large"}, FrameTooLarge),
        ({"error": "e", "code": ["odd"]}, RemoteError),
    ],
)
def test_failures_become_exceptions(session: Session, fields: Any, kind: type) -> None:
    call = Call()
    session.open(call)
    session.receive(frame(id=call.id, status="error", **fields))
    assert [type(outcome) for outcome in call.outcomes] == [kind]
    assert session.failed == 1


def test_ids_that_can_be_no_key_harm_nobody(session: Session) -> None:
    call = Call()
    session.open(call)
    for odd in ([1], {"a": 1}, None, "1", 1.5, True):
        session.receive(success(odd) + frame(id=odd, status="error", error="x"))
        session.receive(frame(cmd="$/item", status="event", result={}, call=odd))
    session.receive(success(call.id, 1))
    assert call.outcomes == [1]


def test_events_go_to_their_call_and_to_everybody(session: Session, hooks: Recorder) -> None:
    mine: list[Event] = []
    call = Call(on_event=mine.append)
    session.open(call)
    session.receive(frame(cmd="$/progress", status="event", result={}, call=call.id))
    session.receive(frame(cmd="tick", status="event", result=1))
    assert [event.topic for event in mine] == ["$/progress"]
    assert [event.topic for event in hooks.events] == ["$/progress", "tick"]


def item(call: PendingCall, seq: int, value: Any = None) -> bytes:
    return frame(cmd="$/item", status="event", result={"seq": seq, "value": value}, call=call.id)


def stream(session: Session) -> Items:
    call = Items("rows")
    call.woken = 0
    session.open(call)
    return call


def test_items_are_acknowledged_when_consumed(session: Session, hooks: Recorder) -> None:
    call = stream(session)
    session.receive(b"".join(item(call, seq, seq * 10) for seq in range(1, 41)))
    assert hooks.events == []
    for expected in range(1, 33):
        assert call.take() == (expected * 10,)
        session.consumed(call)
    ack = {"cmd": "$/ack", "params": {"call": call.id, "seq": 32}}
    assert sent(session.take_outgoing()) == [ack]
    while call.take():
        pass
    session.consumed(call)
    assert sent(session.take_outgoing())[0]["params"]["seq"] == 40
    session.receive(success(call.id, "end"))
    session.consumed(call)
    assert (call.ended, call.result, call.error) == (True, "end", None)
    assert session.take_outgoing() == b""


def test_a_list_answers_a_stream(session: Session) -> None:
    call = stream(session)
    session.receive(success(call.id, [1, 2]))
    assert [call.take(), call.take(), call.take()] == [(1,), (2,), None]


def test_a_backend_that_ignores_the_window_loses_the_call(session: Session) -> None:
    call = stream(session)
    session.receive(b"".join(item(call, seq) for seq in range(3 * WINDOW)))
    assert isinstance(call.error, ProtocolError)
    assert len(call.items) <= 2 * WINDOW
    assert sent(session.take_outgoing())[0]["cmd"] == "$/cancel"


@pytest.mark.parametrize("data", [None, {}, {"seq": "1"}, [1]])
def test_an_item_without_its_number_ends_the_stream(session: Session, data: Any) -> None:
    call = stream(session)
    session.receive(frame(cmd="$/item", status="event", result=data, call=call.id))
    assert isinstance(call.error, ProtocolError)


def test_printed_text_becomes_output_and_broken_frames_are_reported(
    session: Session, hooks: Recorder
) -> None:
    session.receive(b"hello from C\0{broken\0" + frame(status="what"))
    assert [event.data["text"] for event in hooks.events] == ["hello from C"]
    assert len(hooks.errors) == 2
    assert session.malformed == 3
    assert session.garbage == b"hello from C"


def test_an_answer_that_cannot_be_read_fails_its_call(session: Session) -> None:
    call = Call()
    session.open(call)
    session.receive(b'{"id":%d,"status":"success","result":nonsense}\0' % call.id)
    assert isinstance(call.outcomes[0], ProtocolError)


def test_the_end_of_the_stream_inside_a_frame(session: Session, hooks: Recorder) -> None:
    session.receive(b'{"id":3,"status')
    session.receive_eof()
    assert session.malformed == 1


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_cut_of_the_bytes_does_not_matter(session: Session, size: int) -> None:
    calls = [Call() for _ in range(5)]
    for call in calls:
        session.open(call)
    data = b"".join(success(call.id, ["ü", call.id]) for call in calls) + b"tail"
    for start in range(0, len(data), size):
        session.receive(data[start : start + size])
    assert [call.outcomes for call in calls] == [[["ü", call.id]] for call in calls]


def test_a_burst_of_events_goes_on_together(session: Session, hooks: Recorder) -> None:
    pytest.importorskip("orjson")
    session.connection.codec.accelerate()
    session._receive_quickly = host_receiver(session.connection)
    bursts: list[tuple[int, int]] = []
    session._on_burst = lambda events, cost: bursts.append((len(events), cost))
    ticks = frame(cmd="tick", status="event", result=1) * 50
    call = Call()
    session.open(call)
    session.receive(ticks[:-7])
    session.receive(ticks[-7:] + success(call.id, "x") + ticks)
    assert bursts == [(49, 48), (50, 47)]  # the reply is shorter
    assert [event.data for event in hooks.events] == [1]  # the one that came in two pieces
    assert call.outcomes == ["x"]


def test_a_large_burst_is_heard_in_portions(session: Session) -> None:
    pytest.importorskip("orjson")
    session.connection.codec.accelerate()
    session._receive_quickly = host_receiver(session.connection)
    heard: list[int] = []
    sizes: list[int] = []

    def burst(events: list[Event] | Run, cost: int) -> None:
        sizes.append(len(events) * cost)
        heard.extend(event.data for event in events)

    session._on_burst = burst
    ticks = b"".join(frame(cmd="tick", status="event", result=number) for number in range(3000))
    session.receive(ticks)
    session.receive(ticks)
    assert heard == [*range(3000)] * 2
    assert sizes[0] > PORTION > max(sizes[1:])


@pytest.mark.parametrize("listens", [True, False])
def test_a_call_hears_the_burst_of_its_events(
    session: Session, hooks: Recorder, listens: bool
) -> None:
    pytest.importorskip("orjson")
    session.connection.codec.accelerate()
    session._receive_quickly = host_receiver(session.connection)
    heard: list[Event] = []
    call = Call()
    call.on_event = heard.append if listens else None
    session.open(call)
    session.receive(frame(cmd="tick", status="event", result=1, call=call.id) * 50)
    assert len(heard) == (50 if listens else 0)
    assert len(hooks.events) == 50
    assert hooks.events[0] == Event("tick", 1, call.id)
    assert not session.hears([call.id])
