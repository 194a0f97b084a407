"""Bytes that a full pipe had no room for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.blocking.outbox import Outbox
from bridgekit.wire.pieces import Pieces
from tests.blocking.support import Task, until
from tests.blocking.test_inbox import Interrupter


class Pipe:
    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        os.set_blocking(self.reader, False)
        self.grown = 0
        self.child: Any = SimpleNamespace(stdin=self.writer, grow_pipes=self.grow)
        self.outbox = Outbox(self.child)

    def grow(self) -> None:
        self.grown += 1

    def read(self) -> bytes:
        try:
            return os.read(self.reader, 1_000_000)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            try:
                os.close(descriptor)
            except OSError:
                pass


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_everything_arrives_in_order(pipe: Pipe) -> None:
    chunks = [bytes([65 + n]) * 50_000 for n in range(10)]
    for chunk in chunks:
        pipe.outbox.put(chunk)
    assert pipe.outbox.size > 0
    assert pipe.grown > 0
    got = b""
    while not pipe.outbox.flush():
        got += pipe.read()
    got += pipe.read()
    assert got == b"".join(chunks)
    assert pipe.outbox.size == 0


def test_a_frame_in_pieces_is_never_joined_and_arrives_whole(pipe: Pipe) -> None:
    pipe.outbox.put(b"before")
    frame = Pieces((b"head", b"x" * 300_000, b"end"))
    pipe.outbox.put(frame)
    pipe.outbox.put(b"after")
    got = b""
    while not pipe.outbox.flush():
        got += pipe.read()
    got += pipe.read()
    assert got == b"before" + bytes(frame) + b"after"
    assert pipe.outbox.size == 0


def test_those_who_wait_for_room_are_woken(pipe: Pipe) -> None:
    pipe.outbox.put(bytes(200_000))
    waiting: Any = SimpleNamespace(done=False, waiter=None)
    pipe.outbox.waiting.append(waiting)
    while not pipe.outbox.flush():
        assert not waiting.done
        pipe.read()
    assert waiting.done


def test_a_pipe_that_nobody_reads_any_more(pipe: Pipe) -> None:
    os.close(pipe.reader)
    pipe.outbox.put(b"hello")
    assert pipe.outbox.broken
    assert pipe.outbox.size == 0
    pipe.outbox.put(b"more")
    assert pipe.outbox.size == 0


def test_it_waits_for_a_lone_caller_to_finish_its_write(pipe: Pipe) -> None:
    pipe.outbox.lone = object()
    writing = Task(pipe.outbox.put, b"large")
    assert pipe.read() == b""
    os.write(pipe.writer, b"small")
    pipe.outbox.lone = None
    writing.wait()
    assert pipe.read() == b"smalllarge"


def test_an_interrupt_at_any_bytecode_writes_nothing_twice() -> None:
    chunks = [bytes([65 + n]) * 30_000 for n in range(5)]
    moment, came = 1, True
    while came:
        pipe, came, got = Pipe(), False, b""
        for chunk in chunks:
            pipe.outbox._chunks.append(chunk)
        try:
            with Interrupter(moment):
                pipe.outbox.flush()
        except KeyboardInterrupt:
            came = True
        while not pipe.outbox.flush():
            got += pipe.read()
        got += pipe.read()
        assert got == b"".join(chunks)
        pipe.close()
        moment += 3
    assert moment > 100


@pytest.mark.parametrize("writers", ["lone", "free"])
def test_what_comes_waits_for_those_that_write_without_the_lock(pipe: Pipe, writers: str) -> None:
    outbox, call = pipe.outbox, object()
    if writers == "lone":
        outbox.lone = call
    else:
        outbox.free.add(call)
    task = Task(outbox.put, b"later")
    until(lambda: outbox.size)  # seen by those who begin from now on
    os.write(pipe.writer, b"sooner ")
    outbox.lone = None
    outbox.free.discard(call)
    task.wait()
    assert pipe.read() == b"sooner later"


def test_a_forked_copy_waits_for_nobody(pipe: Pipe) -> None:
    pipe.outbox.lone = object()
    pipe.outbox.free.add(object())
    pipe.outbox.disown()
    pipe.outbox.let_finish()
