"""Everything that is said leaves whole and in order, whoever says it and whatever comes between."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from bridgekit.backend import outbox as room
from bridgekit.backend.outbox import FLUSH_AT, Outbox
from tests.support.processes import PATIENCE, readable

ALWAYS = lambda: True  # noqa: E731


class Pipe:
    """An outbox over a pipe, with what stands in for its helper."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.out = Outbox(self.writer)
        self.roused = 0
        self.out.helper = SimpleNamespace(deaf=False, rouse=self.rouse)

    def rouse(self) -> None:
        self.roused += 1

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < size:
            assert readable(self.reader), f"{len(data)} of {size} bytes came"
            data += os.read(self.reader, size - len(data))
        return bytes(data)

    @property
    def empty(self) -> bool:
        return not readable(self.reader, 0)

    def fill(self) -> int:
        """Fill the pipe to the brim; return how many bytes that took."""
        os.set_blocking(self.writer, False)
        size = 0
        try:
            while True:
                size += os.write(self.writer, b"." * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(self.writer, True)
        return size

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


class WatchedLock:
    """A lock that tells when one certain thread asks for it, and when one waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.release, self.locked = self._lock.release, self._lock.locked
        self.who = 0
        self.asked, self.awaited = threading.Event(), threading.Event()

    def acquire(self, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking)

    def __enter__(self) -> None:
        if threading.get_ident() == self.who:
            self.asked.set()
        if self._lock.locked():
            self.awaited.set()
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def in_thread(function: Callable[..., Any], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def finish(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def capacity(pipe: Pipe) -> int:
    return fcntl.fcntl(pipe.reader, fcntl.F_GETPIPE_SZ)


def test_what_waits_goes_first(pipe: Pipe) -> None:
    pipe.out.push(b"one")
    pipe.out.put(b"two")
    pipe.out.push(b"three")
    assert pipe.read(11) == b"onetwothree"
    pipe.out.flush()
    assert pipe.empty


def test_whoever_finds_a_writer_leaves_its_bytes_to_it(pipe: Pipe) -> None:
    filled = pipe.fill()
    thread = in_thread(pipe.out.push, b"first")
    while not pipe.out.lock.locked():
        os.sched_yield()
    pipe.out.push(b"second")
    pipe.out.push(b"third")
    assert len(pipe.out.chunks) == 2
    assert pipe.read(filled + 16)[filled:] == b"firstsecondthird"
    finish(thread)
    assert not pipe.out.lock.locked()


def test_a_full_pipe_holds_back_whoever_writes_and_nothing_is_lost(pipe: Pipe) -> None:
    data = bytes(range(256)) * 4 * (capacity(pipe) // 256)
    thread = in_thread(pipe.out.push, data)
    assert pipe.read(len(data)) == data
    finish(thread)


def test_many_threads_never_tear_each_others_frames(pipe: Pipe) -> None:
    def say(letter: bytes) -> None:
        for n in range(200):
            send = (pipe.out.push, pipe.out.post)[n % 2]
            send(letter * (1 + n * 7) + b"\0")
        pipe.out.flush()

    threads = [in_thread(say, letter) for letter in (b"a", b"b", b"c")]
    frames = pipe.read(3 * sum(2 + n * 7 for n in range(200))).split(b"\0")
    finish(*threads)
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


def failing(outcomes: list[Any]) -> Callable[[int, bytes], int]:
    """A ``write`` that takes so many bytes, or raises, one outcome after the other."""

    def write(descriptor: int, data: bytes) -> int:
        outcome = outcomes.pop(0) if outcomes else len(data)
        if isinstance(outcome, BaseException):
            raise outcome
        return os.write(descriptor, data[:outcome])

    return write


@pytest.mark.parametrize("way", ["push", "flush", "trickle"])
def test_a_write_that_fails_half_way_means_that_the_host_is_gone(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    told: list[str] = []
    pipe.out.when_gone = lambda: told.append("gone")
    monkeypatch.setattr(room, "write", failing([3, BrokenPipeError(32, "broken")]))
    if way == "push":
        pipe.out.push(b"a whole frame")
    else:
        pipe.out.put(b"a whole frame")
        pipe.out.put(b"another")
        pipe.out.flush() if way == "flush" else pipe.out.trickle(ALWAYS)
    assert pipe.read(3) == b"a w"
    assert pipe.out.gone
    assert told == ["gone"]
    assert not pipe.out.chunks
    assert not pipe.out.lock.locked()


def test_a_first_write_that_fails_needs_nobody_to_be_told(pipe: Pipe) -> None:
    os.close(pipe.reader)
    pipe.out.push(b"nobody reads")
    assert pipe.out.gone


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TimeoutError("alarm"), ValueError("own")])
@pytest.mark.parametrize("way", ["push", "flush", "trickle"])
def test_a_handler_that_raises_between_two_writes_leaves_the_rest_for_later(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, error: BaseException, way: str
) -> None:
    monkeypatch.setattr(room, "write", failing([3, 4, error]))
    frame = b"a whole frame"
    out = pipe.out
    if way != "push":
        out.put(frame)
    ways = {
        "push": lambda: out.push(frame),
        "flush": out.flush,
        "trickle": lambda: out.trickle(ALWAYS),
    }
    with pytest.raises(type(error)):
        ways[way]()
    assert not pipe.out.gone
    assert not pipe.out.lock.locked()
    pipe.out.push(b", the next")
    assert pipe.read(23) == b"a whole frame, the next"


def test_a_handler_that_raises_before_anything_was_written_is_no_lost_host(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "write", failing([TimeoutError("alarm")]))
    with pytest.raises(TimeoutError):
        pipe.out.push(b"one")
    assert not pipe.out.gone


def test_an_error_after_the_last_byte_leaves_nothing_behind(pipe: Pipe) -> None:
    with pytest.raises(KeyboardInterrupt):
        pipe.out._failed(KeyboardInterrupt(), b"")
    assert not pipe.out.chunks


def test_a_real_signal_in_the_middle_of_a_frame_does_not_tear_it(pipe: Pipe) -> None:
    frame = bytes(range(256)) * 4 * (capacity(pipe) // 256)
    main = threading.get_ident()

    def interrupt() -> None:
        while readable_bytes(pipe.reader) < capacity(pipe):
            os.sched_yield()
        signal.pthread_kill(main, signal.SIGUSR1)

    def handler(number: int, where: FrameType | None) -> None:
        raise InterruptedError("by the author's handler")

    old = signal.signal(signal.SIGUSR1, handler)
    try:
        pipe.out.put(frame)
        thread = in_thread(interrupt)
        with pytest.raises(InterruptedError):
            pipe.out.flush()
        finish(thread)
    finally:
        signal.signal(signal.SIGUSR1, old)
    pipe.out.put(b"the next")
    writer = in_thread(pipe.out.flush)
    assert pipe.read(len(frame) + 8) == frame + b"the next"
    finish(writer)


class Raised(Exception):
    """What the author's signal handler raises."""


def raise_at(moment: int, function: Callable[[], None]) -> bool:
    """Raise at the given moment of those at which a handler may run; whether there was such."""
    left = moment

    def handler(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if frame.f_code.co_filename == room.__file__ and event in ("call", "c_return"):
            left -= 1
            if left < 0:
                raise Raised

    sys.setprofile(handler)
    try:
        function()
    except Raised:
        return True
    finally:
        sys.setprofile(None)
    return False


@pytest.mark.parametrize("count", [1, 3])
def test_wherever_a_handler_raises_in_flush_nothing_is_lost_or_said_twice(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    frames = [b"frame %d, " % number for number in range(count)]
    moment, raised = 0, True
    while raised:
        monkeypatch.setattr(room, "write", failing([4, 3]))
        pipe = Pipe()
        for frame in frames:
            pipe.out.put(frame)
        raised = raise_at(moment, pipe.out.flush)
        moment += 1
        assert not pipe.out.lock.locked()
        pipe.out.flush()
        assert os.read(pipe.reader, 1000) == b"".join(frames)
        pipe.close()
    assert moment > 10


@pytest.mark.parametrize("size", [10, 6000])
def test_wherever_a_handler_raises_in_push_no_frame_is_torn(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    frame = b"x" * size
    moment, raised = 0, True
    while raised:
        if size > 4096:
            monkeypatch.setattr(room, "write", failing([4, 3]))
        pipe = Pipe()
        raised = raise_at(moment, lambda: pipe.out.push(frame))  # noqa: B023
        moment += 1
        assert not pipe.out.lock.locked()
        pipe.out.push(b"next")
        said = os.read(pipe.reader, 10000)
        assert said in ((frame + b"next", b"next") if raised else (frame + b"next",))
        pipe.close()
    assert moment > 3


def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    filled = pipe.fill()
    os.set_blocking(pipe.writer, False)
    small, large = b"small", bytes(range(256)) * 4 * (capacity(pipe) // 256)
    for data, say in ((small, pipe.out.push), (large, pipe.out.push), (large, pipe.out.post)):
        thread = in_thread(say, data)
        assert pipe.read(filled + len(data))[filled:] == data
        finish(thread)
        filled = pipe.fill()
        os.set_blocking(pipe.writer, False)
    assert not pipe.out.gone


def readable_bytes(descriptor: int) -> int:
    size = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, size)
    return size[0]


def test_a_forked_copy_says_nothing_more_whoever_held_its_lock(pipe: Pipe) -> None:
    pipe.out.put(b"the parent's")
    pipe.out.lock.acquire()
    pipe.out.abandon()
    pipe.out.push(b"the copy's")
    pipe.out.put(b"more")
    pipe.out.flush()
    assert pipe.out.gone
    assert pipe.empty
