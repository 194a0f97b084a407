"""The thread that looks after children nobody waits for."""

from __future__ import annotations

import math
import os
import threading
import time
from functools import partial

import pytest

from bridgekit.blocking import Backend, ProcessManager, janitor
from tests.blocking.support import until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


def test_there_is_one_while_there_are_children_and_none_after() -> None:
    first, second = janitor.hire(), janitor.hire()
    assert first is second
    first.dismiss()
    assert first._thread.is_alive()
    second.dismiss()
    first._thread.join(DEADLINE)
    assert not first._thread.is_alive()
    third = janitor.hire()
    assert third is not first
    third.dismiss()
    third._thread.join(DEADLINE)


def test_one_that_has_ended_takes_no_descriptor_of_others_from_a_forked_copy() -> None:
    ended = janitor.hire()
    ended.dismiss()
    ended._thread.join(DEADLINE)
    others = os.pipe()  # most likely with the numbers that it had
    ended.disown()
    ended._wake()
    os.set_blocking(others[0], False)
    with pytest.raises(BlockingIOError):
        os.read(others[0], 1)
    for descriptor in others:
        os.close(descriptor)


@pytest.fixture
def hired():
    hired = janitor.hire()
    yield hired
    hired.dismiss()
    hired._thread.join(DEADLINE)


def test_descriptors_timers_and_errands(hired: janitor.Janitor, caplog) -> None:
    reader, writer = os.pipe()
    seen: list[object] = []
    ready, late = threading.Event(), threading.Event()

    def read() -> None:
        seen.append(os.read(reader, 10))
        ready.set()

    hired.watch(reader, read)
    os.write(writer, b"x")
    assert ready.wait(DEADLINE)
    hired.unwatch(reader)
    hired.unwatch(reader)
    os.write(writer, b"y")
    hired.at(math.inf, lambda: seen.append("never"))
    hired.at(time.monotonic() + 0.02, late.set)
    hired.at(time.monotonic(), lambda: 1 / 0)
    assert late.wait(DEADLINE)
    assert seen == [b"x"]
    assert "ZeroDivisionError" in caplog.text
    os.close(reader)
    os.close(writer)


def test_a_timer_that_was_taken_back_wakes_nobody(hired: janitor.Janitor) -> None:
    done = threading.Event()
    far = time.monotonic() + 3600

    def look() -> None:
        assert len(hired._timers) == 5
        hired.never(callbacks[1])
        hired.never(callbacks[1])
        assert [timer[2] for timer in sorted(hired._timers)] == callbacks[:1] + callbacks[2:]
        for callback in callbacks:
            hired.never(callback)
        assert hired._pause() is None
        done.set()

    callbacks = [partial(int, number) for number in range(5)]
    for number, callback in enumerate(callbacks):
        hired.at(far + number, callback)
    hired.soon(look)
    assert done.wait(DEADLINE)


def test_writing_is_arranged_once(hired: janitor.Janitor) -> None:
    reader, writer = os.pipe()
    done = threading.Event()

    def write() -> None:
        hired.unwatch(writer)
        done.set()

    hired.want_write(writer, write)
    hired.want_write(writer, write)
    assert done.wait(DEADLINE)
    os.close(reader)
    os.close(writer)
    hired.want_write(writer, write)  # closed by now


def test_while_nothing_happens_it_sleeps(menu: Backend) -> None:
    menu.call("add", {"a": 1})
    until(lambda: worker_of(menu).channel.watched and not worker_of(menu)._janitor._active)
    hired = worker_of(menu)._janitor
    task = f"/proc/self/task/{hired._thread.native_id}/schedstat"
    until(lambda: hired._asleep)
    with open(task) as file:
        before = file.read().split()[2]
    assert not threading.Event().wait(0.2)
    with open(task) as file:
        assert file.read().split()[2] == before


def test_a_quiet_wire_is_watched_and_a_call_takes_it_back(menu: Backend) -> None:
    channel = worker_of(menu).channel
    for _ in range(3):
        until(lambda: channel.watched)
        assert menu.call("add", {"a": 1}) == 1


def test_it_drains_stderr_of_everybody(manager: ProcessManager) -> None:
    for backend in [manager.spawn(MENU) for _ in range(3)]:
        assert backend.call("whisper", {"text": "x" * 300_000}, timeout=DEADLINE) is None


def test_it_looks_less_often_while_calls_go_on_and_on(hired: janitor.Janitor) -> None:
    looks: list[float] = []
    enough = threading.Event()

    class Channel:
        def settle_down(self) -> bool:
            looks.append(hired._tick)
            if len(looks) == 4:
                enough.set()
            return len(looks) >= 4

    hired.activate(Channel())  # type: ignore[arg-type]
    assert enough.wait(DEADLINE)
    assert looks == [min(janitor.TICK * 2**n, janitor.LONG_TICK) for n in range(1, 5)]
    until(lambda: not hired._active)
    assert hired._pause() is None
    enough.clear()
    looks[:] = []
    hired.activate(Channel())  # type: ignore[arg-type]
    assert enough.wait(DEADLINE)
    assert looks[0] == 2 * janitor.TICK


def test_a_forked_copy_closes_nothing_of_a_janitor_that_has_gone(hired: janitor.Janitor) -> None:
    """The numbers of its descriptors may be those of others by then."""
    gone = janitor.Janitor()
    gone.children = 1
    numbers = (gone._reader, gone._writer)
    gone.dismiss()
    until(lambda: gone.gone)
    others = os.pipe()
    try:
        assert set(others) & set(numbers)
        pid = os.fork()
        if not pid:
            try:
                os.fstat(others[0])
                os.fstat(others[1])
            except OSError:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        for number in others:
            os.close(number)
