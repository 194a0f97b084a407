"""Everything that is said leaves whole and in order, whoever says it and whatever comes between."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import pytest

from bridgekit.backend import outbox as room
from bridgekit.backend.outbox import FLUSH_AT
from bridgekit.wire.pieces import Pieces
from tests.backend.outbox_support import (
    ALWAYS,
    Pipe,
    WatchedLock,
    capacity,
    finish,
    in_thread,
)
from tests.support.processes import PATIENCE


def test_what_waits_goes_first(pipe: Pipe) -> None:
    pipe.out.push(b"one")
    pipe.out.put(b"two")
    pipe.out.answer(b"three")
    assert pipe.read(11) == b"onetwothree"
    pipe.out.flush()
    assert pipe.empty


@pytest.mark.parametrize("way", ["answer", "push", "flush", "trickle"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_frame_in_pieces_leaves_whole(pipe: Pipe, way: str, alone: bool) -> None:
    body = bytes(range(256)) * 4 * (capacity(pipe) // 256)
    frame = Pieces((b"head", body, b"end"))
    expected = bytes(frame)
    if not alone:
        pipe.out.put(b"before")
        expected = b"before" + expected

    def say() -> None:
        if way in ("answer", "push"):
            getattr(pipe.out, way)(frame)
            return
        pipe.out.put(frame)
        if not alone:
            pipe.out.put(b"after")
        while pipe.out.chunks:
            pipe.out.flush() if way == "flush" else pipe.out.trickle(ALWAYS)

    if way not in ("answer", "push") and not alone:
        expected += b"after"
    thread = in_thread(say)
    assert pipe.read(len(expected)) == expected
    finish(thread)
    assert pipe.empty


def test_whoever_finds_a_writer_leaves_its_bytes_to_it(pipe: Pipe) -> None:
    filled = pipe.fill()
    thread = in_thread(pipe.out.push, b"first")
    while not pipe.out.lock.locked():
        os.sched_yield()
    pipe.out.answer(b"second")
    pipe.out.push(b"third")
    assert len(pipe.out.chunks) == 2
    assert pipe.read(filled + 16)[filled:] == b"firstsecondthird"
    finish(thread)
    assert not pipe.out.lock.locked()


def test_whoever_finds_the_main_thread_writing_leaves_its_bytes_to_it(pipe: Pipe) -> None:
    filled = pipe.fill()
    thread = in_thread(pipe.out.answer, b"first")
    while not pipe.out.main_writes:
        os.sched_yield()
    pipe.out.put(b"second")
    pipe.out.trickle(ALWAYS)
    pipe.out.flush()
    pipe.out.push(b"third")
    assert not pipe.out.lock.locked()
    assert pipe.read(filled + 16)[filled:] == b"firstsecondthird"
    finish(thread)
    assert not pipe.out.main_writes


@pytest.mark.parametrize("way", ["flush", "trickle"])
def test_whoever_got_the_lock_before_it_could_see_that_leaves_it_again(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The main thread says that it writes between another's look and its lock."""

    class Late(WatchedLock):
        def acquire(self, blocking: bool = True) -> bool:
            pipe.out.main_writes = True
            return super().acquire(blocking)

        def __enter__(self) -> None:
            pipe.out.main_writes = True
            super().__enter__()

    lock: Any = Late()
    pipe.out.lock = lock
    pipe.out.put(b"waits")
    pipe.out.flush() if way == "flush" else pipe.out.trickle(ALWAYS)
    assert pipe.empty
    assert not lock.locked()
    pipe.out.lock = threading.Lock()
    pipe.out.main_writes = False
    pipe.out.flush()
    assert pipe.read(5) == b"waits"


def test_an_answer_never_comes_between_the_portions_of_what_the_helper_writes(
    pipe: Pipe,
) -> None:
    class Trickling(WatchedLock):
        """The helper has taken all there was, and puts the rest of it back just now."""

        def locked(self) -> bool:
            pipe.out.chunks.appendleft(b"portion")
            self.locked = self._lock.locked
            return True

    lock = Trickling()
    del lock.locked
    pipe.out.lock = lock
    os.write(pipe.writer, b"one ")
    pipe.out.answer(b" answer")
    assert pipe.read(18) == b"one portion answer"


def test_what_the_pipe_took_only_in_part_goes_on_before_the_rest(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, data: bytes) -> int:
        if pipe.out.main_writes:  # another thread says something meanwhile
            pipe.out.put(b"event")
            return os.write(descriptor, data[:3])
        return os.write(descriptor, data)

    monkeypatch.setattr(room, "write", write)
    pipe.out.answer(b"answer")
    assert pipe.read(11) == b"answerevent"


def test_a_full_pipe_holds_back_whoever_writes_and_nothing_is_lost(pipe: Pipe) -> None:
    data = bytes(range(256)) * 4 * (capacity(pipe) // 256)
    thread = in_thread(pipe.out.push, data)
    assert pipe.read(len(data)) == data
    finish(thread)


def test_many_threads_never_tear_each_others_frames(pipe: Pipe) -> None:
    ended = threading.Event()

    def say(letter: bytes) -> None:
        first = pipe.out.answer if letter == b"a" else pipe.out.push  # "a" is the main thread
        for n in range(200):
            send = (first, pipe.out.post)[n % 2]
            send(letter * (1 + n * 7) + b"\0")
        pipe.out.flush()

    def trickle() -> None:
        while not ended.wait(0.0005):
            pipe.out.trickle(ALWAYS)

    threads = [in_thread(say, letter) for letter in (b"a", b"b", b"c")]
    helper = in_thread(trickle)
    frames = pipe.read(3 * sum(2 + n * 7 for n in range(200))).split(b"\0")
    finish(*threads)
    ended.set()
    finish(helper)
    assert frames.pop() == b""
    for letter in (b"a", b"b", b"c"):
        sizes = [len(frame) for frame in frames if frame.strip(letter) == b""]
        assert sizes == [1 + n * 7 for n in range(200)]


def test_an_event_after_a_quiet_moment_leaves_at_once_and_others_wait(pipe: Pipe) -> None:
    pipe.out.post(b"one")
    assert pipe.read(3) == b"one"
    pipe.out.last = room.monotonic() + PATIENCE  # it is not quiet for a while
    pipe.out.post(b"two")
    pipe.out.post(b"three")
    assert pipe.empty
    assert pipe.roused == 0
    pipe.out.helper.deaf = True
    pipe.out.post(b"four")
    assert pipe.roused == 1
    assert pipe.empty
    pipe.out.post(b"x" * FLUSH_AT)
    assert pipe.read(12 + FLUSH_AT) == b"twothreefour" + b"x" * FLUSH_AT
    assert pipe.out.writes == 1
    assert pipe.out.size == 0


def test_events_wait_for_a_host_that_does_not_read(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_FULL", 2 * FLUSH_AT)
    lock: Any = WatchedLock()
    filled = pipe.fill()
    pipe.out.put(b"a")
    pipe.out.lock = lock
    writer = in_thread(pipe.out.flush)
    while not pipe.out.owner:  # it has taken all of it, and counted
        os.sched_yield()
    pipe.out.post(b"b" * FLUSH_AT)  # there is room to leave it
    assert not lock.awaited.is_set()
    waits = in_thread(pipe.out.post, b"c" * FLUSH_AT)
    assert lock.awaited.wait(PATIENCE)
    assert waits.is_alive()
    rest = pipe.read(filled + 1 + 2 * FLUSH_AT)[filled:]
    assert rest == b"a" + b"b" * FLUSH_AT + b"c" * FLUSH_AT
    finish(writer, waits)


def test_events_wait_while_the_main_thread_waits_for_a_host_that_does_not_read(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    def sleep(seconds: float) -> None:
        waits.set()
        time.sleep(seconds)

    monkeypatch.setattr(room, "_FULL", 1)
    monkeypatch.setattr(room, "sleep", sleep)
    filled = pipe.fill()
    main = in_thread(pipe.out.answer, b"answer")
    assert main.ident is not None
    pipe.out.main = main.ident
    while not pipe.out.main_writes:
        os.sched_yield()
    other = in_thread(pipe.out.post, b"x" * FLUSH_AT)
    assert waits.wait(PATIENCE)
    assert other.is_alive()
    assert pipe.read(filled + 6 + FLUSH_AT)[filled:] == b"answer" + b"x" * FLUSH_AT
    finish(main, other)


def test_who_had_to_wait_for_a_writer_looks_for_what_it_left(pipe: Pipe) -> None:
    """The writer has looked for the last time before these bytes came."""
    pipe.out.size = room._FULL
    lock: Any = WatchedLock()
    pipe.out.lock = lock
    lock.acquire()
    waits = in_thread(pipe.out.post, b"x")
    assert lock.awaited.wait(PATIENCE)
    lock.release()
    assert pipe.read(1) == b"x"
    finish(waits)


def test_a_socket_takes_parts_of_a_frame_and_so_needs_the_lock(pipe: Pipe) -> None:
    one, other = socket.socketpair()
    with one, other:
        assert not room.Outbox(one.fileno()).piped
    assert pipe.out.piped


def test_a_writer_that_says_more_in_a_handler_does_not_wait_for_itself(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_FULL", 1)
    said: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        if not said:  # as if a signal handler printed here
            said.append(1)
            pipe.out.post(b"x" * FLUSH_AT)
        return os.write(descriptor, data)

    monkeypatch.setattr(room, "write", write)
    pipe.out.put(b"one")
    pipe.out.flush()
    assert pipe.read(3 + FLUSH_AT) == b"one" + b"x" * FLUSH_AT


def test_a_trickle_takes_what_goes_without_blocking(pipe: Pipe) -> None:
    rooms = iter([True, True, False])
    for piece in (b"a" * 1000, b"b" * 7000, b"c" * 1000):
        pipe.out.put(piece)
    pipe.out.trickle(lambda: next(rooms))
    assert pipe.read(8192) == b"a" * 1000 + b"b" * 7000 + b"c" * 192
    assert pipe.empty
    pipe.out.trickle(ALWAYS)
    assert pipe.read(808) == b"c" * 808
    pipe.out.trickle(ALWAYS)
    assert not pipe.out.chunks


def test_a_trickle_leaves_it_to_whoever_writes(pipe: Pipe) -> None:
    with pipe.out.lock:
        pipe.out.put(b"waits")
        pipe.out.trickle(ALWAYS)
        pipe.out.flush()
    assert pipe.empty
    pipe.out.flush()
    assert pipe.read(5) == b"waits"


def test_a_trickle_that_finds_nothing_writes_nothing(pipe: Pipe) -> None:
    pipe.out.put(b"")
    pipe.out.trickle(ALWAYS)
    assert pipe.empty


def test_a_large_reply_is_written_by_its_own_thread_while_the_helper_trickles(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock: Any = WatchedLock()
    pipe.out.lock = lock
    begun, flushed = threading.Event(), threading.Event()
    written: dict[int, int] = {}
    large = b"x" * 3_000_000

    def write(descriptor: int, data: bytes) -> int:
        if threading.get_ident() != lock.who and not begun.is_set():
            begun.set()
            assert lock.asked.wait(PATIENCE)
        done = os.write(descriptor, data)
        written[threading.get_ident()] = written.get(threading.get_ident(), 0) + done
        return done

    def has_room() -> bool:
        return not begun.is_set() or flushed.wait(PATIENCE)

    def reply() -> None:
        assert begun.wait(PATIENCE)
        lock.who = threading.get_ident()
        pipe.out.put(large)
        pipe.out.flush()
        flushed.set()

    monkeypatch.setattr(room, "write", write)
    pipe.out.put(b"event")
    helper, replier = in_thread(pipe.out.trickle, has_room), in_thread(reply)
    assert pipe.read(5 + len(large)) == b"event" + large
    finish(helper, replier)
    assert sorted(written.values()) == [5, len(large)]


def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    filled = pipe.fill()
    os.set_blocking(pipe.writer, False)
    small, large = b"small", bytes(range(256)) * 4 * (capacity(pipe) // 256)
    push, post, answer = pipe.out.push, pipe.out.post, pipe.out.answer
    for data, say in ((small, answer), (small, push), (large, answer), (large, post)):
        thread = in_thread(say, data)
        assert pipe.read(filled + len(data))[filled:] == data
        finish(thread)
        filled = pipe.fill()
        os.set_blocking(pipe.writer, False)
    assert not pipe.out.gone


def test_a_forked_copy_says_nothing_more_whoever_held_its_lock(pipe: Pipe) -> None:
    pipe.out.put(b"the parent's")
    pipe.out.lock.acquire()
    pipe.out.abandon()
    pipe.out.push(b"the copy's")
    pipe.out.put(b"more")
    pipe.out.flush()
    assert pipe.out.gone
    assert pipe.empty
