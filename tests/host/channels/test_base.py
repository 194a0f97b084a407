"""What all channels share, over real pipes and a library that does nothing by itself."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridgekit.errors import BackendDied, CallTimeout
from bridgekit.host.channels.base import BaseChannel, OnEvent
from bridgekit.host.pending import AwaitedCall
from bridgekit.host.session import Hooks, Session
from tests.host.channels.pipes import Pipes


class Call(AwaitedCall):
    def settle(self, result: Any) -> None:
        self.done, self.value = True, result

    def fail(self, error: Exception) -> None:
        self.done, self.error = True, error


class Channel(BaseChannel):
    """Remembers what it was asked for; the test is the loop."""

    def __init__(self, child: Pipes) -> None:
        session = Session("pipes", Hooks(), hello=False)
        session.hello()
        self.asked: list[Any] = []
        self.losses = 0
        self.deadline = math.inf
        super().__init__(session, child, None, self._count)  # type: ignore[arg-type]

    def _count(self) -> None:
        self.losses += 1

    def start(self) -> None:
        self.asked.append("start")

    def make_call(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        call = Call(method, params, seconds, self.deadline, on_event)
        call.done, call.error = False, None
        return call

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        self.asked.append(("watch", fd))

    def unwatch(self, fd: int) -> None:
        self.asked.append(("unwatch", fd))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def from_thread(self, callback: Callable[[], None]) -> None:
        callback()

    def _set_timer(self, when: float) -> None:
        self.asked.append(("timer", when))

    def _flush_soon(self) -> None:
        self.asked.append("flush soon")

    def _watch_writable(self) -> None:
        self.asked.append("watch writable")


@pytest.fixture
def child() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.close()


@pytest.fixture
def channel(child: Pipes) -> Channel:
    return Channel(child)


def lone(channel: Channel) -> AwaitedCall | tuple[Any]:
    return channel.lone("echo", None, 5.0)


def test_a_lone_call_that_was_answered_already_needs_no_loop(
    channel: Channel, child: Pipes
) -> None:
    child.answer(1, "early")
    assert lone(channel) == ("early",)
    assert channel.session.completed == 1
    assert child.received() == b'{"id":1,"cmd":"echo"}\n'
    assert channel.submit("echo", None, 5.0).id == 2


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id":1,"status":"error","error":"no"}\0',
        b'{"cmd":"tick","status":"event"}\0{"id":1,"status":"success","result":2}\0',
        b'{"id":1,"status":"success","result":%d}\0' % 10**40,
        b'{"id":1,"status":"success","result":"%b"}\0' % (b"x" * 1000),
    ],
)
def test_any_other_answer_is_taken_the_ordinary_way(
    channel: Channel, child: Pipes, answer: bytes
) -> None:
    os.write(child.outbox, answer)
    call = lone(channel)
    assert isinstance(call, AwaitedCall)
    assert call.done
    assert channel.session.in_flight == 0


def test_an_answer_may_come_in_pieces(channel: Channel, child: Pipes) -> None:
    os.write(child.outbox, b'{"id":1,"status":"suc')
    call = lone(channel)
    assert isinstance(call, AwaitedCall)
    assert not call.done
    os.write(child.outbox, b'cess","result":2}\0')
    channel._on_readable()
    assert call.value == 2
    os.write(child.outbox, b'{"id":2,"status":"success","result":3}\0{"cmd":"ti')
    call = lone(channel)
    assert isinstance(call, AwaitedCall)
    assert call.value == 3


def test_looking_is_left_off_where_it_is_no_use(channel: Channel, child: Pipes) -> None:
    for number in range(1, 10):
        call = lone(channel)
        assert isinstance(call, AwaitedCall)
        child.answer(number, "late")
        channel._on_readable()
        assert call.done
    assert channel._skip > 0


def test_the_loop_gets_its_turn_after_a_streak(channel: Channel, child: Pipes) -> None:
    done = 0
    for number in range(1, 40):
        child.answer(number, "early")
        if not isinstance(lone(channel), tuple):
            break
        done += 1
    assert done == 16
    channel._on_readable()
    assert channel._streak == 0


def test_after_concurrent_calls_nothing_is_looked_for(channel: Channel, child: Pipes) -> None:
    channel.submit("echo", None, 5.0)
    channel.submit("echo", None, 5.0)
    child.answer(1, "one")
    child.answer(2, "two")
    channel._on_readable()
    child.answer(3, "early")
    assert isinstance(lone(channel), AwaitedCall)


def test_a_lone_call_finds_the_wire_closed(channel: Channel, child: Pipes) -> None:
    os.close(child.outbox)
    call = lone(channel)
    assert isinstance(call, AwaitedCall)
    assert not call.done
    assert channel.losses == 1


def test_a_large_lone_call_is_written_on(channel: Channel, child: Pipes) -> None:
    call = channel.lone("echo", {"value": "x" * 200_000}, 5.0)
    assert isinstance(call, AwaitedCall)
    assert channel.asked == ["watch writable", ("timer", call.deadline)][:1]
    got = b""
    while channel.backlog:
        got += child.received()
        channel._flush()
    assert len(got + child.received()) > 200_000


def test_a_closed_session_takes_no_lone_call(channel: Channel) -> None:
    channel.session.fail_all(lambda: BackendDied("gone"))
    with pytest.raises(BackendDied, match="gone"):
        lone(channel)


def test_the_end_of_either_pipe_is_told_once(channel: Channel, child: Pipes) -> None:
    os.close(child.outbox)
    channel._on_readable()
    os.close(child.inbox)
    channel.write(b"lost")
    channel.write(b"lost")
    channel._flush()
    assert channel.losses == 1
    assert ("unwatch", child.stdout) in channel.asked


def test_what_a_dead_child_left_is_read_to_a_limit(channel: Channel, child: Pipes) -> None:
    calls = [channel.submit("echo", None, 5.0) for _ in range(3)]
    for number in range(1, 4):
        child.answer(number, "x" * 1000)
    channel.read_rest(10)
    assert [call.done for call in calls] == [True] * 3
    channel.read_rest(10)
    os.close(child.outbox)
    channel.read_rest(10)


def test_closing_writes_first_what_waits(channel: Channel, child: Pipes) -> None:
    channel.write(b"one ")
    channel.write(b"two")
    channel.close_write()
    assert child.received() == b"one two"
    channel.write(b"three")
    channel.close()
    channel.close()
    assert channel.closed
    assert channel.losses == 0


def test_the_timer_follows_the_earliest_deadline(channel: Channel) -> None:
    call = channel.make_call("echo", None, None)
    call.deadline = 1e12
    channel.session.open(call)
    channel.arm()
    channel.arm()
    assert channel.asked == [("timer", 1e12)]
    call.deadline = 0.0
    channel._on_timer()
    assert isinstance(call.error, CallTimeout)


def test_a_deadline_sooner_than_the_timers_sets_it_anew(channel: Channel) -> None:
    for deadline in (2e9, 3e9, 1e9):
        channel.deadline = deadline
        channel.submit("echo", None, 5.0)
    assert [each for each in channel.asked if each != "flush soon"] == [
        ("timer", 2e9),
        ("timer", 1e9),
    ]


def test_lone_calls_after_concurrent_ones_count_down(channel: Channel) -> None:
    channel._skip = 2
    channel.submit("echo", None, 5.0)
    assert channel._skip == 1


def test_a_call_that_nobody_awaits_is_cancelled_and_its_answer_waited_for(
    channel: Channel, child: Pipes
) -> None:
    channel.session.plain = False
    call = channel.submit("echo", None, 5.0)
    channel._on_readable()
    channel.abandon(call)
    channel.abandon(call)
    channel._flush()
    assert call.done
    assert child.received().count(b"$/cancel") == 1
    assert channel.session.in_flight == 0
    assert [each for each in channel.asked if each != "flush soon"] == [
        ("timer", channel.session.next_deadline)
    ]


def test_the_end_of_the_process_is_a_descriptor_like_others(channel: Channel) -> None:
    channel.watch_exit(lambda: None)
    channel.unwatch_exit()
    assert channel.asked == [("watch", -1), ("unwatch", -1)]


def test_a_flood_is_read_for_a_turn_at_most(
    channel: Channel, child: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def flood(fd: int) -> bytes:
        read.append(fd)
        return b" " * 65536

    monkeypatch.setattr(channel, "read", flood)
    channel._on_readable()
    assert read == [child.stdout] * 16
    assert child.grown == 1


def test_a_channel_that_is_closed_by_what_it_reads_reads_no_more(
    channel: Channel, child: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def last(fd: int) -> bytes:
        read.append(fd)
        channel.close()
        return b" " * 65536

    monkeypatch.setattr(channel, "read", last)
    channel._on_readable()
    assert len(read) == 1


def test_nothing_to_read_and_a_pipe_that_is_no_more(channel: Channel, child: Pipes) -> None:
    channel._on_readable()
    assert channel.losses == 0
    channel._stdout = -1
    channel._on_readable()
    assert channel.losses == 1


def test_what_the_session_has_to_say_follows_what_was_read(channel: Channel, child: Pipes) -> None:
    channel.session.outgoing.append(b"an acknowledgement")
    channel.session.next_deadline = 1e9
    os.write(child.outbox, b'{"cmd":"tick","status":"event"}\0')
    channel._on_readable()
    assert child.received() == b"an acknowledgement"
    assert channel.asked == [("timer", 1e9)]


def test_overdue_calls_are_cancelled_and_the_next_is_waited_for(
    channel: Channel, child: Pipes
) -> None:
    channel.session.plain = False
    overdue, later = channel.submit("echo", None, 5.0), channel.submit("echo", None, 5.0)
    overdue.deadline, later.deadline = 0.0, 1e12
    channel._on_timer()
    channel._flush()
    assert isinstance(overdue.error, CallTimeout)
    assert not later.done
    assert b"$/cancel" in child.received()
    assert channel.asked[-1][0] == "timer"
    channel.close()
    channel.asked.clear()
    channel._on_timer()
    assert channel.asked == []


def test_a_dead_child_that_left_nothing(channel: Channel, child: Pipes) -> None:
    call = channel.submit("echo", None, 5.0)
    channel.read_rest(1000)
    assert not call.done
    channel.close()
    os.write(child.outbox, b"unread")
    channel.read_rest(1000)
    assert os.read(child.stdout, 100) == b"unread"
