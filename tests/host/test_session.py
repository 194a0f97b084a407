"""The host's session without any I/O: bytes in, settled calls and bytes out, time by hand."""

from __future__ import annotations

import math

import pytest

from bridgekit.errors import (
    BackendDied,
    CallTimeout,
    EncodeError,
    FrameTooLarge,
    VersionMismatch,
)
from bridgekit.host.session import Session
from tests.host.session_support import (
    HELLO,
    Call,
    Clock,
    Recorder,
    frame,
    greet,
    sent,
    success,
)


@pytest.fixture
def hooks() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def starting(hooks: Recorder, clock: Clock) -> Session:
    return Session("menu", hooks, clock=clock, cancel_grace=2.0)


@pytest.fixture
def session(starting: Session) -> Session:
    greet(starting)
    return starting


def test_hello_is_a_call_and_its_answer_tells_who_is_there(
    starting: Session, hooks: Recorder
) -> None:
    (hello,) = sent(starting.hello())
    assert (hello["id"], hello["cmd"], hello["params"]["protocol"]) == (1, "$/hello", 1)
    assert starting.state == "starting"
    starting.receive(success(0, {"status": "ready", "python_version": "3.9.1"}))
    assert starting.state == "starting"
    starting.receive(success(1, HELLO))
    assert (starting.state, starting.plain, hooks.readiness) == ("ready", False, [None])
    assert starting.features == {"stream", "batch"}
    peer = starting.peer
    assert (peer.name, peer.pid, peer.python_version) == ("Menu", 7, "3.9.1")
    assert (starting.completed, starting.failed) == (0, 0)


@pytest.mark.parametrize(
    "answer",
    [
        frame(id=1, status="error", error="unknown command"),
        success(1, None),
        success(1, {"hello": "yourself"}),
        success(1, [1, 2]),
    ],
)
def test_any_other_answer_means_a_plain_backend(
    starting: Session, hooks: Recorder, answer: bytes
) -> None:
    starting.hello()
    starting.receive(answer)
    assert (starting.state, starting.plain, hooks.readiness) == ("ready", True, [None])
    call = Call(timeout=5.0)
    assert "timeout" not in sent(starting.open(call))[0]
    assert starting.cancel(call) == b""


def test_no_answer_after_the_ready_frame_means_plain_and_a_late_one_is_still_taken(
    starting: Session, clock: Clock
) -> None:
    starting.hello()
    assert starting.expire(clock.now + 1000) == math.inf or starting.state == "starting"
    starting.receive(success(0, {"status": "ready"}))
    assert starting.next_deadline == clock.now + 0.5
    starting.expire(clock.now + 0.6)
    assert (starting.state, starting.plain) == ("ready", True)
    starting.receive(success(1, HELLO))
    assert (starting.state, starting.plain) == ("ready", False)
    assert starting.late == 0


def test_another_protocol_is_refused(starting: Session, hooks: Recorder) -> None:
    starting.hello()
    starting.receive(success(1, {"protocol": 2}))
    assert starting.state == "closed"
    assert isinstance(hooks.readiness[0], VersionMismatch)
    with pytest.raises(VersionMismatch):
        starting.open(Call())


def test_a_backend_that_refuses_us(starting: Session, hooks: Recorder) -> None:
    starting.hello()
    starting.receive(frame(id=1, status="error", error="speak 2", code="version_mismatch"))
    assert isinstance(hooks.readiness[0], VersionMismatch)


def test_a_ready_frame_may_report_a_failure(starting: Session, hooks: Recorder) -> None:
    starting.hello()
    starting.receive(frame(id=0, status="error", error="no licence"))
    assert "no licence" in str(hooks.readiness[0])


def test_without_hello_the_session_is_ready_at_once(hooks: Recorder) -> None:
    session = Session("bare", hooks, hello=False)
    assert session.hello() == b""
    assert (session.state, session.plain, hooks.readiness) == ("ready", True, [None])
    call = Call()
    session.open(call)
    session.receive(success(0, {"status": "ready"}) + success(call.id, 3))
    assert call.outcomes == [3]


def test_a_call_is_settled_once_and_later_answers_are_counted(session: Session) -> None:
    call = Call(params={"a": 1}, timeout=5.0, deadline=105.0)
    (request,) = sent(session.open(call))
    assert request == {"id": call.id, "cmd": "add", "params": {"a": 1}, "timeout": 5.0}
    assert session.in_flight == 1
    assert session.running == ("add",)
    session.receive(success(call.id, 2) * 2)
    assert call.outcomes == [2]
    assert (session.in_flight, session.completed, session.late) == (0, 1, 1)


def test_parameters_that_cannot_be_sent_register_nothing(session: Session) -> None:
    with pytest.raises(EncodeError, match="value"):
        session.open(Call(params={"value": object()}))
    with pytest.raises(EncodeError):
        session.open_batch(Call(), [{"value": object()}])
    assert session.in_flight == 0
    call = Call()
    session.open(call)
    session.receive(success(call.id, 1))
    assert call.outcomes == [1]


def test_overdue_calls_fail_and_are_cancelled(session: Session) -> None:
    slow, fast, endless = Call("slow", deadline=200.0), Call("fast", deadline=110.0), Call("e")
    for call in (slow, fast, endless):
        session.open(call)
    assert session.next_deadline == 110.0
    assert session.expire(105.0) == 110.0
    assert session.expire(110.0) == 112.0  # the cancelled call's grace comes first
    assert isinstance(fast.outcomes[0], CallTimeout)
    assert sent(session.take_outgoing()) == [{"cmd": "$/cancel", "params": {"id": fast.id}}]
    assert slow.outcomes == endless.outcomes == []
    session.receive(frame(id=fast.id, status="error", error="cancelled", code="cancelled"))
    assert session.expire(112.5) == 200.0
    assert len(fast.outcomes) == 1


def test_a_cancelled_call_that_goes_on_is_reported(session: Session, hooks: Recorder) -> None:
    call = Call("stubborn")
    session.open(call)
    assert sent(session.cancel(call)) == [{"cmd": "$/cancel", "params": {"id": call.id}}]
    assert session.cancel(call) == b""
    assert session.next_deadline == 102.0
    session.expire(101.0)
    assert hooks.unanswered == []
    session.expire(102.0)
    assert hooks.unanswered == [("stubborn", call.id)]
    assert call.outcomes == []


@pytest.mark.parametrize("torn", ["_timeout_error", "_abandon"])
def test_a_look_for_overdue_calls_that_is_torn_is_taken_again(session: Session, torn: str) -> None:
    """A KeyboardInterrupt rises at any moment in the thread that looks for all others, too."""
    calls = [Call(deadline=110.0) for _ in range(3)]
    for call in calls:
        session.open(call)
    intact, rises = getattr(session, torn), [KeyboardInterrupt()]

    def tears(*args: object) -> object:
        result = intact(*args)
        if rises:
            raise rises.pop()
        return result

    setattr(session, torn, tears)
    with pytest.raises(KeyboardInterrupt):
        session.expire(110.0)
    assert session.next_deadline <= 110.0
    session.expire(110.0)
    assert all(isinstance(call.outcomes[-1], CallTimeout) for call in calls)
    assert session.in_flight == 0
    assert {call.id for call in calls} == set(session.abandoned)


def test_giving_up_that_is_torn_is_taken_again(session: Session) -> None:
    call = Call()
    session.open(call)
    intact, session._abandon = session._abandon, interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        session.give_up(call)
    session._abandon = intact  # type: ignore[method-assign]
    for _ in range(2):
        session.give_up(call)
    told = sent(session.take_outgoing())
    assert told == [{"cmd": "$/cancel", "params": {"id": call.id}}]
    assert session.in_flight == 0
    assert session.failed == 1


def interrupt(*_: object) -> bytes:
    raise KeyboardInterrupt


def test_many_deadlines_close_together_cost_few_looks(session: Session) -> None:
    for number in range(1000):
        session.open(Call(deadline=110.0 + number * 1e-6))
    assert session.expire(110.0) >= 110.001


def test_death_settles_everything_once(session: Session) -> None:
    calls = [Call(), Call()]
    for call in calls:
        session.open(call)
    session.fail_all(lambda: BackendDied("gone"))
    session.fail_all(lambda: BackendDied("twice"))
    session.receive(success(calls[0].id, 1))
    assert [str(call.outcomes[0]) for call in calls] == ["gone", "gone"]
    assert all(len(call.outcomes) == 1 for call in calls)
    with pytest.raises(BackendDied, match="gone"):
        session.open(Call())
    with pytest.raises(BackendDied, match="gone"):
        session.open_batch(Call(), [None])
    session.reply("b1", 1)
    session.reply_error("b1", ValueError())
    assert session.take_outgoing() == b""


def test_a_session_that_refuses_lets_the_rest_end(session: Session) -> None:
    call = Call()
    session.open(call)
    session.refuse(lambda: BackendDied("stopping"))
    with pytest.raises(BackendDied, match="stopping"):
        session.open(Call())
    session.receive(success(call.id, 1))
    assert call.outcomes == [1]


def test_a_batch_is_one_frame_with_an_id_for_each_call(session: Session) -> None:
    call = Call("add", timeout=3.0)
    (batch,) = sent(session.open_batch(call, [{"a": 1}, None]))
    assert batch["cmd"] == "$/batch"
    assert batch["params"] == {"cmd": "add", "first": call.id + 1, "params": [{"a": 1}, None]}
    after = Call()
    session.open(after)
    assert after.id == call.id + 3


def test_calls_from_the_backend_are_answered(session: Session, hooks: Recorder) -> None:
    inner = {"cmd": "where", "params": {"a": 1}}
    session.receive(frame(cmd="$/call", status="event", result=inner, call="b1"))
    (request,) = hooks.requests
    assert (request.id, request.method, request.params) == ("b1", "where", {"a": 1})
    session.reply("b1", "here")
    session.reply(None, "nobody asked")
    session.reply("b2", object())
    error = ValueError("no")
    error.data = object()  # type: ignore[attr-defined]
    session.reply_error("b3", error)
    good, bad, worse = (message["params"] for message in sent(session.take_outgoing()))
    assert good == {"call": "b1", "status": "success", "result": "here"}
    assert (bad["call"], bad["status"], bad["type"]) == ("b2", "error", "EncodeError")
    assert (worse["error"], worse["type"]) == ("no", "ValueError")
    assert "data" not in worse


def test_the_host_holds_to_what_the_backend_takes(starting: Session) -> None:
    session = starting
    session.hello()
    session.receive(success(1, {**HELLO, "limits": {"max_frame": 2000}}))
    assert session.connection.most == 2000
    with pytest.raises(FrameTooLarge, match="limit of 2000 bytes"):
        session.open(Call(params=["x" * 2000]))
    session.reply("b1", "x" * 2000)
    session.reply_error("b2", ValueError("\U0001f600" * 2000))
    first, second = session.take_outgoing().splitlines()
    assert b"limit of 2000 bytes" in first
    assert b'"call":"b2"' in second
    assert len(second) <= 2000
