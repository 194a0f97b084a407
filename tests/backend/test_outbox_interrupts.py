"""What an outbox keeps whole when a write fails or a signal handler raises in it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bridgekit.backend import outbox as room
from bridgekit.wire.pieces import Pieces
from tests.backend.outbox_support import (
    ALWAYS,
    Pipe,
    capacity,
    failing,
    finish,
    in_thread,
    readable_bytes,
)


@pytest.mark.parametrize("way", ["answer", "push", "flush", "trickle"])
def test_a_write_that_fails_half_way_means_that_the_host_is_gone(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    told: list[str] = []
    pipe.out.when_gone = lambda: told.append("gone")
    monkeypatch.setattr(room, "write", failing([3, BrokenPipeError(32, "broken")]))
    if way in ("answer", "push"):
        getattr(pipe.out, way)(b"a whole frame")
    else:
        pipe.out.put(b"a whole frame")
        pipe.out.put(b"another")
        pipe.out.flush() if way == "flush" else pipe.out.trickle(ALWAYS)
    assert pipe.read(3) == b"a w"
    assert pipe.out.gone
    assert told == ["gone"]
    assert not pipe.out.chunks
    assert not pipe.out.lock.locked()


@pytest.mark.parametrize("way", ["answer", "push"])
def test_a_first_write_that_fails_needs_nobody_to_be_told(pipe: Pipe, way: str) -> None:
    os.close(pipe.reader)
    getattr(pipe.out, way)(b"nobody reads")
    assert pipe.out.gone
    assert not pipe.out.chunks


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TimeoutError("alarm"), ValueError("own")])
@pytest.mark.parametrize("way", ["answer", "push", "flush", "trickle"])
@pytest.mark.parametrize("pieces", [False, True])
def test_a_handler_that_raises_between_two_writes_leaves_the_rest_for_later(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, error: BaseException, way: str, pieces: bool
) -> None:
    if pieces:
        monkeypatch.setattr(room, "_SAFE", 2)
    monkeypatch.setattr(room, "write", failing([3, 4, error]))
    frame: Any = Pieces((b"a wh", b"ole fr", b"ame")) if pieces else b"a whole frame"
    out = pipe.out
    if way not in ("answer", "push"):
        out.put(frame)
    ways = {
        "answer": lambda: out.answer(frame),
        "push": lambda: out.push(frame),
        "flush": out.flush,
        "trickle": lambda: out.trickle(ALWAYS),
    }
    with pytest.raises(type(error)):
        ways[way]()
    assert not pipe.out.gone
    assert not pipe.out.main_writes
    assert not pipe.out.lock.locked()
    pipe.out.push(b", the next")
    assert pipe.read(23) == b"a whole frame, the next"


@pytest.mark.parametrize("way", ["answer", "push"])
def test_a_handler_that_raises_before_anything_was_written_is_no_lost_host(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(room, "write", failing([TimeoutError("alarm")]))
    with pytest.raises(TimeoutError):
        getattr(pipe.out, way)(b"one")
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
@pytest.mark.parametrize("pieces", [False, True])
def test_wherever_a_handler_raises_in_flush_nothing_is_lost_or_said_twice(
    monkeypatch: pytest.MonkeyPatch, count: int, pieces: bool
) -> None:
    frames: list[Any] = [b"frame %d, " % number for number in range(count)]
    expected = b"".join(frames)
    if pieces:
        frames[-1] = Pieces((frames[-1][:3], frames[-1][3:6], frames[-1][6:]))
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
        assert os.read(pipe.reader, 1000) == expected
        pipe.close()
    assert moment > 10


@pytest.mark.parametrize("way", ["answer", "push"])
@pytest.mark.parametrize("size", [10, 6000])
def test_wherever_a_handler_raises_no_frame_is_torn(
    monkeypatch: pytest.MonkeyPatch, size: int, way: str
) -> None:
    frame = b"x" * size
    moment, raised = 0, True
    while raised:
        if size > 4096:
            monkeypatch.setattr(room, "write", failing([4, 3]))
        pipe = Pipe()
        raised = raise_at(moment, lambda: getattr(pipe.out, way)(frame))  # noqa: B023
        moment += 1
        assert not pipe.out.main_writes
        assert not pipe.out.lock.locked()
        pipe.out.push(b"next")
        said = os.read(pipe.reader, 10000)
        assert said in ((frame + b"next", b"next") if raised else (frame + b"next",))
        pipe.close()
    assert moment > 3
