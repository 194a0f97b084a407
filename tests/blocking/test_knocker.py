"""Sleeping in a read, and what wakes the sleeper."""

from __future__ import annotations

import errno
import math
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit import BackendDied, CallTimeout
from bridgekit.blocking import Backend, ProcessManager, pipes, reading
from bridgekit.blocking.calls import LoneCall
from bridgekit.blocking.knocker import Knocker
from tests.blocking.support import Task, at_rest, until
from tests.host.support import DEADLINE
from tests.support.blocking import worker_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens a pipe again")


class Pipe:
    """A pipe whose reading end never blocks, as a channel has it, and a knocker for it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        pipes.never_block(self.reader)
        self.knocker = Knocker(self.reader)
        self.knocker.open()
        self.chunks: deque[bytes] = deque()

    def sift(self) -> list[bytes]:
        """Return what :meth:`Inbox.deliver` would hand out."""
        given = []
        while self.chunks:
            if (self.knocker.owed or self.knocker.held) and not self.knocker.sift(self.chunks):
                continue
            given.append(self.chunks.popleft())
        return given


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.knocker.close()
    os.close(made.reader)
    os.close(made.writer)


def test_it_blocks_where_the_other_descriptor_does_not(pipe: Pipe) -> None:
    with pytest.raises(BlockingIOError):
        os.read(pipe.reader, 10)
    sleeper = Task(os.read, pipe.knocker.reader, 10)
    os.write(pipe.writer, b"x")
    assert sleeper.wait() == b"x"
    assert not os.get_inheritable(pipe.knocker.reader)


def test_a_knock_wakes_and_is_taken_out_again(pipe: Pipe) -> None:
    sleeper = Task(os.read, pipe.knocker.reader, 100)
    assert pipe.knocker.knock()
    pipe.chunks.append(sleeper.wait())
    os.write(pipe.writer, b"abc")
    assert pipe.knocker.knock()
    os.write(pipe.writer, b"def")
    pipe.chunks.append(os.read(pipe.reader, 100))
    assert pipe.sift() == [b"abcdef"]
    assert pipe.knocker.owed == 0


def test_the_end_is_seen_beside_it(pipe: Pipe) -> None:
    other = Pipe()
    os.close(other.writer)
    other.knocker.knock()
    assert os.read(other.knocker.reader, 100) == other.knocker.word
    assert os.read(other.knocker.reader, 100) == b""
    other.knocker.close()
    os.close(other.reader)


def test_nobody_sleeps_at_a_full_pipe(pipe: Pipe) -> None:
    pipes.never_block(pipe.writer)
    with suppress(BlockingIOError):
        while True:
            os.write(pipe.writer, b"x" * 4096)
    assert pipe.knocker.knock()
    assert pipe.knocker.owed == 0


def test_without_proc_nobody_sleeps(monkeypatch) -> None:
    def missing(path: str, flags: int) -> int:
        raise FileNotFoundError(errno.ENOENT, "there is no", path)

    knocker = Knocker(0)
    monkeypatch.setattr(pipes, "again", missing)
    knocker.open()
    assert knocker.reader == -1
    assert not knocker.knock()
    assert knocker.owed == 0
    knocker.close()


def test_what_begins_like_a_word_is_given_back_at_the_end(pipe: Pipe) -> None:
    pipe.knocker.owed = 1
    start = b"abc" + pipe.knocker.word[:7]
    pipe.chunks.append(start)
    assert pipe.sift() == [b"abc"]
    pipe.chunks.append(b"")
    assert pipe.sift() == [start[3:], b""]
    assert pipe.knocker.owed == 0


def test_what_was_sifted_is_not_sifted_again(pipe: Pipe) -> None:
    pipe.knocker.owed = 1
    pipe.chunks.append(b"abc" + pipe.knocker.word[:7])
    assert pipe.knocker.sift(pipe.chunks)
    assert pipe.knocker.sift(pipe.chunks)  # an interrupt came, and it was not handed out
    pipe.chunks.append(pipe.knocker.word[7:] + b"def")
    assert pipe.sift() == [b"abc", b"def"]


@given(st.data())
def test_words_anywhere_in_any_chunks(data: st.DataObject) -> None:
    knocker = Pipe.__new__(Pipe)
    knocker.knocker, knocker.chunks = Knocker(0), deque()
    text = data.draw(st.binary(max_size=60))
    word = knocker.knocker.word
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    stream, at = b"", 0
    for place in places:
        stream += text[at:place] + word
        at = place
    stream += text[at:]
    cuts = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=6))})
    knocker.knocker.owed = len(places)
    for first, last in pairwise(cuts):
        knocker.chunks.append(stream[first:last])
    knocker.chunks.append(b"")
    assert b"".join(knocker.sift()) == text
    assert not knocker.knocker.owed
    assert not knocker.knocker.held


# -- the calls of a backend that sleep so ------------------------------------------------------------


@pytest.fixture
def knocks(monkeypatch) -> list[Any]:
    """A line for each knock: the call that was woken."""
    seen: list[Any] = []
    real = reading.Reading._knock

    def knock(self: reading.Reading, call: Any) -> None:
        if call.__class__ is LoneCall:
            seen.append(call.method)
        real(self, call)

    monkeypatch.setattr(reading.Reading, "_knock", knock)
    return seen


def settled(backend: Backend) -> None:
    """Nothing is left over of any knock, and calls are answered."""
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    knocker = worker_of(backend).channel.inbox.knocker
    until(lambda: not knocker.owed and not knocker.held)


def test_a_sleeper_is_woken_when_its_call_is_overdue(menu: Backend, knocks: list[Any]) -> None:
    for timeout in (0.3, 0.15, 0.2):
        menu.call("add", [1, 1], timeout=DEADLINE)
        with pytest.raises(CallTimeout, match=f"within {timeout:g} s"):
            menu.call("sleep", [60], timeout=timeout)
        at_rest(menu)
    assert knocks == ["sleep"] * 3
    settled(menu)


def test_a_sleeper_that_cannot_be_woken_is_woken_later(
    menu: Backend, knocks: list[Any], monkeypatch
) -> None:
    real, refused = Knocker.knock, [False, False]
    monkeypatch.setattr(Knocker, "knock", lambda self: refused.pop() if refused else real(self))
    menu.call("add", [1, 1], timeout=DEADLINE)
    with pytest.raises(CallTimeout):
        menu.call("sleep", [60], timeout=0.2)
    assert knocks == ["sleep"] * 3
    settled(menu)


@pytest.mark.parametrize("timeout", [math.inf, 1e9, None])
def test_long_sleep_is_interrupted_now_and_then(
    menu: Backend, knocks: list[Any], monkeypatch, timeout: float | None
) -> None:
    monkeypatch.setattr(reading, "LONGEST", 0.05)
    menu.call("add", [1, 1], timeout=DEADLINE)
    assert menu.call("nap", [0.5], timeout=timeout) == 0.5
    assert knocks == ["nap"]
    settled(menu)


def test_an_alarm_that_comes_too_late_wakes_nobody_else(menu: Backend, knocks: list[Any]) -> None:
    menu.call("nap", [0.1], timeout=2)
    menu.call("nap", [0.1], timeout=1)
    menu.call("nap", [2.1], timeout=DEADLINE)
    assert knocks == []
    settled(menu)


HOLDER = """
import os, signal, subprocess, sys
from bridgekit import PythonBridge
class Holder(PythonBridge):
    def beget(self):
        held = [fd for fd in range(3, 32) if os.path.exists(f"/proc/self/fd/{fd}")]
        return subprocess.Popen(["sleep", "1000"], pass_fds=held, process_group=0).pid
    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)
Holder().run()
"""


def test_death_wakes_a_sleeper_though_a_grandchild_holds_the_pipe(
    manager: ProcessManager, knocks: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "holder.py").write_text(HOLDER)
    backend = manager.spawn(tmp_path / "holder.py", restart="never")
    grandchildren = [backend.call("beget", {}, timeout=DEADLINE) for _ in range(2)]
    try:
        with pytest.raises(BackendDied):
            backend.call("die", {}, timeout=DEADLINE)
        assert knocks == ["die"]
    finally:
        for pid in grandchildren:
            os.kill(pid, signal.SIGKILL)
