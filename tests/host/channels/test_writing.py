"""The writing half of a channel, over real pipes and without a loop: the test is the loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import anyio
import pytest

from bridgekit.errors import CallTimeout
from bridgekit.host.channels.writing import HIGH_WATER, JOIN, Writing
from bridgekit.wire.pieces import Pieces
from tests.host.channels.pipes import Pipes


class Channel(Writing):
    """Remembers what it was asked for."""

    def __init__(self, child: Pipes) -> None:
        self.asked: list[str] = []
        self.losses = 0
        session = SimpleNamespace(name="pipes")
        super().__init__(session, child, self._count)  # type: ignore[arg-type]

    def _count(self) -> None:
        self.losses += 1

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


def test_the_first_write_of_a_turn_goes_at_once_the_rest_together(
    channel: Channel, child: Pipes
) -> None:
    channel.write(b"one ")
    channel.write(b"two ")
    channel.write(b"three ")
    assert child.received() == b"one "
    assert channel.asked == ["flush soon"]
    channel._flush()
    assert child.received() == b"two three "
    channel.write(b"four")
    assert child.received() == b"four"


def test_a_full_pipe_keeps_the_order_and_asks_to_be_watched(channel: Channel, child: Pipes) -> None:
    blocks = [bytes([65 + number]) * 300_000 for number in range(5)]
    for block in blocks:
        channel.write(block)
    assert channel.asked.count("watch writable") == 1
    assert child.grown == 1
    got = b""
    while channel.backlog:
        got += child.received()
        channel._flush()
    got += child.received()
    assert got == b"".join(blocks)
    assert not channel._blocked


def test_a_frame_in_pieces_keeps_its_place(channel: Channel, child: Pipes) -> None:
    frame = Pieces((b"head", b"x" * 300_000, b"end"))
    for data in (frame, b"between", frame):
        channel.write(data)
    got = b""
    while channel.backlog:
        got += child.received()
        channel._flush()
    got += child.received()
    assert got == bytes(frame) + b"between" + bytes(frame)


def test_many_small_writes_behind_a_full_pipe(channel: Channel, child: Pipes) -> None:
    whole = b"x" * 200_000
    channel.write(whole)
    for number in range(3000):
        piece = b"%06d" % number
        whole += piece
        channel.write(piece)
    got = b""
    while channel.backlog:
        got += child.received()
        channel._flush()
    assert got + child.received() == whole


def test_a_broken_stdin_is_noticed_by_a_flush(channel: Channel, child: Pipes) -> None:
    channel.write(b"first")
    channel.write(b"second")
    os.close(child.inbox)
    channel._flush()
    assert channel.losses == 1
    assert channel.backlog == 0


def test_a_full_pipe_takes_nothing_of_a_turns_first_write(channel: Channel, child: Pipes) -> None:
    while True:
        try:
            os.write(child.stdin, b"x" * 4096)
        except BlockingIOError:
            break
    channel.write(b"behind")
    assert channel.backlog == 6
    assert channel.asked == ["watch writable"]
    channel._flush()  # too early
    assert channel.backlog == 6
    assert channel.asked == ["watch writable"]
    child.received()
    channel._flush()
    assert child.received() == b"behind"
    assert channel.backlog == 0


def test_much_in_one_turn_does_not_wait_for_its_end(channel: Channel, child: Pipes) -> None:
    channel.write(b"first")
    channel.write(b"")
    channel.write(b"x" * 10)
    channel.write(b"y" * (JOIN - 100))
    assert child.received() == b"first"
    channel.write(b"z" * 100)
    assert child.received().startswith(b"x" * 10 + b"y")
    assert channel.asked[0] == "flush soon"
    while channel.backlog:
        channel._flush()
        child.received()
    assert not channel._blocked


def test_a_child_that_reads_no_more_is_lost_once(channel: Channel, child: Pipes) -> None:
    os.close(child.inbox)
    channel.write(b"lost")
    channel.write(b"lost")
    channel.write(b"lost")
    channel._flush()
    assert channel.losses == 1
    assert channel.backlog == 0
    assert child.stdin >= 0


def test_closing_writes_first_what_waits(channel: Channel, child: Pipes) -> None:
    channel.write(b"one ")
    channel.write(b"two")
    channel.close_write()
    assert child.stdin == -1
    assert os.read(child.inbox, 100) == b"one two"
    assert os.read(child.inbox, 100) == b""
    channel.write(b"three")
    assert channel.losses == 0


def test_closing_does_not_wait_for_a_full_pipe(channel: Channel, child: Pipes) -> None:
    channel.write(b"x" * 500_000)
    assert channel._blocked
    channel.close_write()
    assert channel.backlog == 0
    assert not channel._blocked
    assert child.stdin == -1


def test_a_closed_channel_tells_nobody_of_a_loss(channel: Channel, child: Pipes) -> None:
    os.close(child.inbox)
    channel.closed = True
    channel.write(b"lost")
    assert channel.losses == 0


async def test_callers_wait_while_too_much_is_unwritten(anyio_backend: str) -> None:
    child = Pipes()
    channel = Channel(child)
    channel.write(b"x" * (HIGH_WATER + 200_000))
    with pytest.raises(CallTimeout, match="reads nothing"):
        await channel.wait_writable("echo", 0.01)

    async def drain() -> None:
        while channel.backlog:
            child.received()
            channel._flush()
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(drain)
        await channel.wait_writable("echo", 30.0)
    await channel.wait_writable("echo", None)
    child.close()


async def test_callers_that_wait_are_let_go_when_the_child_is_lost(anyio_backend: str) -> None:
    child = Pipes()
    channel = Channel(child)
    channel.write(b"x" * (HIGH_WATER + 200_000))
    async with anyio.create_task_group() as group:
        group.start_soon(channel.wait_writable, "echo", None)
        group.start_soon(channel.wait_writable, "echo", 30.0)
        await anyio.wait_all_tasks_blocked()
        os.close(child.inbox)
        channel._flush()
    assert channel.losses == 1
    child.close()
