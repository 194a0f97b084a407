"""The trio channel over real pipes; a whole backend runs in tests/host/test_handle.py."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator

import anyio
import pytest

from bridgekit.errors import BackendDied, CallTimeout
from bridgekit.host.channels import channel_class
from bridgekit.host.channels.trio import Channel
from bridgekit.host.session import Hooks, Session
from tests.host.channels.test_base import Pipes
from tests.host.support import DEADLINE

pytestmark = pytest.mark.parametrize("anyio_backend", ["trio"])


class Open:
    """A channel with its far ends at hand."""

    def __init__(self, child: Pipes, channel: Channel) -> None:
        self.child = child
        self.channel = channel
        self.lost = anyio.Event()

    async def call(self, seconds: float | None = DEADLINE) -> object:
        call = self.channel.submit("echo", None, seconds)
        await call
        if call.error is not None:
            raise call.take_error()
        return call.value


@pytest.fixture
async def opened(anyio_backend: str) -> AsyncIterator[Open]:
    child = Pipes()
    session = Session("pipes", Hooks(), hello=False)
    session.hello()
    async with anyio.create_task_group() as tasks:
        lost = anyio.Event()
        channel = Channel(session, child, tasks, lost.set)  # type: ignore[arg-type]
        opened = Open(child, channel)
        opened.lost = lost
        channel.start()
        yield opened
        channel.close()
    child.close()


async def test_it_is_found_by_the_name_of_the_library(anyio_backend: str) -> None:
    assert channel_class() is Channel


async def test_an_answer_wakes_its_caller(opened: Open) -> None:
    async with anyio.create_task_group() as group:
        results: list[object] = []

        async def one() -> None:
            results.append(await opened.call())

        for _ in range(3):
            group.start_soon(one)
        await anyio.wait_readable(opened.child.inbox)
        for number in (2, 3, 1):
            opened.child.answer(number, f"answer {number}")
    assert sorted(map(str, results)) == ["answer 1", "answer 2", "answer 3"]


async def test_failures_and_timeouts_wake_it_too(opened: Open) -> None:
    with pytest.raises(CallTimeout):
        await opened.call(0.01)
    with pytest.raises(CallTimeout):
        await opened.call(0.001)
    async with anyio.create_task_group() as group:

        async def one() -> None:
            with pytest.raises(BackendDied):
                await opened.call()

        group.start_soon(one)
        await anyio.lowlevel.checkpoint()
        opened.channel.session.fail_all(lambda: BackendDied("gone"))


async def test_a_cancelled_caller_is_forgotten(opened: Open) -> None:
    with anyio.move_on_after(0.01) as scope:
        await opened.call()
    assert scope.cancelled_caught
    assert opened.channel.session.in_flight == 0
    opened.child.answer(1, "late")
    opened.child.answer(2, "in time")
    assert await opened.call() == "in time"


async def test_the_rest_of_a_turn_is_written_by_itself(opened: Open) -> None:
    opened.channel.write(b"one ")
    opened.channel.write(b"two ")
    opened.channel.write(b"three")
    await anyio.wait_all_tasks_blocked()
    assert opened.child.received() == b"one two three"


async def test_a_full_pipe_is_written_as_it_empties(opened: Open) -> None:
    whole = os.urandom(1_000_000)
    opened.channel.write(whole)
    opened.channel.write(b"the end")
    got = b""
    with anyio.fail_after(DEADLINE):
        while len(got) < len(whole) + 7:
            await anyio.wait_readable(opened.child.inbox)
            got += opened.child.received()
    assert got == whole + b"the end"
    assert opened.channel.backlog == 0


async def test_the_end_of_the_wire_is_noticed(opened: Open) -> None:
    os.close(opened.child.outbox)
    with anyio.fail_after(DEADLINE):
        await opened.lost.wait()


async def test_timers_and_threads(opened: Open) -> None:
    happened, not_this, from_afar = anyio.Event(), anyio.Event(), anyio.Event()
    opened.channel.call_later(0.001, happened.set)
    prevent = opened.channel.call_later(0.001, not_this.set)
    prevent()
    thread = threading.Thread(target=opened.channel.from_thread, args=(from_afar.set,))
    thread.start()
    with anyio.fail_after(DEADLINE):
        await happened.wait()
        await from_afar.wait()
    thread.join()
    assert not not_this.is_set()


async def test_watching_ends_when_told(opened: Open) -> None:
    reader, writer = os.pipe()
    seen = anyio.Event()

    def callback() -> None:
        os.read(reader, 1)
        seen.set()

    opened.channel.watch(reader, callback)
    os.write(writer, b"1")
    with anyio.fail_after(DEADLINE):
        await seen.wait()
    opened.channel.unwatch(reader)
    opened.channel.unwatch(reader)
    os.write(writer, b"2")
    await anyio.wait_all_tasks_blocked()
    assert os.read(reader, 1) == b"2"
    os.close(reader)
    os.close(writer)
