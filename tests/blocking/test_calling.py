"""Calls that ask the policy for a place, and what an interrupt may leave of them: nothing."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridgekit import BackendDied, BackendError, CallTimeout, EncodeError, QueueFull
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.calls import Call
from bridgekit.blocking.entries import SharedPlace
from bridgekit.blocking.visit import Visit
from tests.blocking.support import Task, at_rest, until
from tests.host.supervision_support import AT_ONCE
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


@pytest.fixture
def backend(manager: ProcessManager) -> Backend:
    return manager.spawn(MENU, restart=AT_ONCE)


def interrupted_after(step: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """Return what does as ``step``, but is interrupted when that is done, so many times."""
    left = [KeyboardInterrupt] * times

    def run(*args: Any) -> Any:
        result = step(*args)
        if left:
            raise left.pop()
        return result

    return run


def test_an_interrupt_as_a_call_is_admitted_takes_it_back(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = backend._driver
    monkeypatch.setattr(driver, "run", interrupted_after(driver.run))
    with pytest.raises(KeyboardInterrupt):
        backend.call("sleep", [60], idempotent=True)
    monkeypatch.undo()
    at_rest(backend)


def test_interrupts_as_a_call_ends_free_its_place_once(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = backend._driver
    monkeypatch.setattr(driver, "post", interrupted_after(driver.post, 3))
    with pytest.raises(KeyboardInterrupt):
        backend.call("add", [1, 1], idempotent=True)
    monkeypatch.undo()
    at_rest(backend)
    assert backend.status.calls == 2


def test_an_interrupt_while_a_call_waits_in_the_queue_takes_it_out(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Task(backend.call, "sleep", [60], timeout=None)
    until(lambda: backend.status.in_flight)
    monkeypatch.setattr(
        "bridgekit.blocking.entries.ThreadEntry.turn", interrupted_after(lambda entry: None)
    )
    with pytest.raises(KeyboardInterrupt):
        backend.call("add", [1, 1])
    monkeypatch.undo()
    until(lambda: backend.status.queued == 0)
    os.kill(backend.pid, signal.SIGKILL)
    with pytest.raises(BackendError):
        first.wait()
    until(lambda: backend.status.state == "ready")
    at_rest(backend)


@pytest.mark.parametrize("at", [1, 2])
def test_an_interrupt_as_a_place_is_taken_leaves_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The janitor takes the step all the same: perhaps after its caller has gone."""
    driver = backend._driver
    run, steps, held = driver.run, [0], []

    def late(step: Callable[[], Any]) -> Any:
        steps[0] += 1
        if steps[0] != at:
            return run(step)
        held.append(step)
        driver._servant.soon(lambda: run(held.pop()))
        raise KeyboardInterrupt

    for use in (
        lambda: backend.call_many("add", [[1, 1]]),
        lambda: next(backend.stream("rows", [3])),
    ):
        steps[0] = 0
        monkeypatch.setattr(Visit, "enter", lambda self: False)
        monkeypatch.setattr(driver, "run", late)
        with pytest.raises(KeyboardInterrupt):
            use()
        monkeypatch.undo()
        until(lambda: not held)
        at_rest(backend)
    assert backend.status.calls == 2


def test_a_place_whose_worker_dies_before_it_is_used_is_waited_for_again(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, first = backend._driver, backend.pid
    entry = driver._entry("rows", sends=False)
    driver.run(lambda: driver.admit(entry))
    assert entry.worker is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: entry.worker is not None and backend.pid not in (first, None))
    until(lambda: entry.worker is not None)
    driver.run(lambda: driver.drop(entry))
    at_rest(backend)
    taken: list[SharedPlace] = []
    gone = driver._entry("rows", sends=False)
    assert driver._take_place(gone, taken) is None
    assert not taken


def test_places_are_refused_as_calls_are(manager: ProcessManager) -> None:
    backend = manager.spawn(MENU, queue_limit=0)
    first = Task(backend.call, "nap", [0.3], timeout=DEADLINE)
    until(lambda: backend.status.in_flight)
    with pytest.raises(QueueFull):
        backend.call_many("add", [[1, 1]])
    with pytest.raises(QueueFull):
        next(backend.stream("rows", [3]))
    first.wait()
    backend.pause(freeze=False)
    with pytest.raises(QueueFull):
        backend.call("add", [1, 1])
    backend.resume()
    at_rest(backend)


def test_a_place_is_not_waited_for_beyond_its_time(backend: Backend) -> None:
    first = Task(backend.call, "sleep", [1.5], timeout=DEADLINE)
    until(lambda: backend.status.in_flight)
    with pytest.raises(CallTimeout, match="waited"):
        backend.call_many("add", [[1, 1]], timeout=0.05)
    vain = backend.call_many("add", [[1, 1]] * 2, timeout=0.05, return_exceptions=True)
    assert [type(each) for each in vain] == [CallTimeout] * 2
    first.wait()
    at_rest(backend)


def test_the_control_lane_is_asked_or_else_a_worker_waited_for(manager: ProcessManager) -> None:
    backend = manager.spawn(MENU, idle_timeout=0.05)
    until(lambda: backend.status.state == "idle")
    assert "busy" in backend.call("$/ping", timeout=DEADLINE)  # starts it
    backend.pause(freeze=False)
    assert "busy" in backend.call("$/ping", timeout=DEADLINE)
    backend.resume()


def test_an_interrupt_while_the_control_lane_is_asked(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(backend).channel
    monkeypatch.setattr(channel, "finish", interrupted_after(lambda *_: None))
    with pytest.raises(KeyboardInterrupt):
        backend.call("$/ping", timeout=DEADLINE)
    monkeypatch.undo()
    assert not channel.session.table.pending
    at_rest(backend)


def test_where_every_pipe_is_full_calls_wait_outside(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(backend).channel
    asked: list[Any] = []
    monkeypatch.setattr(type(channel), "full", property(lambda _: True))
    monkeypatch.setattr(channel, "make_room", lambda *args: asked.append(args))
    assert backend.call("add", [1, 1], idempotent=True, timeout=DEADLINE) == 2
    assert asked == [("add", DEADLINE)]


def test_the_end_of_what_was_given_up_frees_its_place_once(backend: Backend) -> None:
    """An interrupt may tear the hook and have it called again."""
    with pytest.raises(CallTimeout):
        backend.call("hold", [1.0], timeout=0.01)
    until(lambda: worker_of(backend).session.afterwards)
    session = worker_of(backend).session
    (hook,) = session.afterwards.values()
    with worker_of(backend).channel.lock:
        for _ in range(3):
            hook()
    assert backend.status.in_flight == 0
    at_rest(backend)
    assert backend.status.calls == 2


@pytest.fixture
def shared(manager: ProcessManager) -> Iterator[Backend]:
    """A backend with a call in flight and room for more, whose replacement comes at once."""
    backend = manager.spawn(MENU, concurrency=5, restart=AT_ONCE)
    first = Task(backend.call, "sleep", [60], timeout=None)
    until(lambda: backend.status.in_flight)
    yield backend
    assert backend.status.in_flight == 1  # nothing else holds a place
    os.kill(backend.pid, signal.SIGKILL)
    with pytest.raises(BackendDied):
        first.wait()
    until(lambda: backend.status.state == "ready")
    at_rest(backend)


def test_what_a_thread_cannot_send_takes_no_place(shared: Backend) -> None:
    with pytest.raises(EncodeError):
        Task(shared.call, "add", [object(), 1]).wait()


def test_a_thread_that_gets_no_room_gives_its_place_back(
    shared: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(shared).channel

    def full(method: str, seconds: float) -> None:
        assert shared.status.in_flight == 2
        raise CallTimeout("its pipe is full", timeout=seconds, method=method)

    monkeypatch.setattr(type(channel), "full", property(lambda _: True))
    monkeypatch.setattr(channel, "make_room", full)
    with pytest.raises(CallTimeout, match="full"):
        Task(shared.call, "add", [1, 1], timeout=1).wait()


def test_a_thread_that_ends_in_the_middle_of_a_call_gives_it_up(
    shared: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(shared).channel

    def perform(call: object) -> None:
        raise SystemExit

    monkeypatch.setattr(channel, "perform", perform)
    with pytest.raises(SystemExit):
        Task(shared.call, "add", [1, 1]).wait()


def test_a_call_that_a_process_refuses_waits_for_the_next_one(shared: Backend) -> None:
    channel, pid = worker_of(shared).channel, shared.pid
    channel.refuse(lambda: BackendError("it takes no more"))
    assert Task(shared.call, "add", [1, 1], timeout=DEADLINE).wait() == 2
    assert shared.pid != pid
    Task(shared.call, "sleep", [60], timeout=None)
    until(lambda: shared.status.in_flight)


class Faulty(logging.Handler):
    """A log handler of the author's that raises once, at a message that says ``word``."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._words = [word]

    def emit(self, record: logging.LogRecord) -> None:
        if self._words and self._words[0] in record.getMessage():
            self._words.clear()
            raise RuntimeError("the handler failed")


@pytest.mark.parametrize("word", ["ready -> busy", "busy -> ready"])
def test_a_log_handler_that_raises_takes_no_place_and_no_result(
    manager: ProcessManager, word: str
) -> None:
    changes = manager.changes()
    backend = manager.spawn(MENU)
    logger, handler = logging.getLogger("bridgekit"), Faulty(word)
    level, propagates = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        made = Task(backend._driver.call, "add", [1, 1], DEADLINE, None, False, 0)
        if word == "ready -> busy":
            with pytest.raises(RuntimeError, match="the handler failed"):
                made.wait()
        else:
            assert made.wait() == 2
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates
        changes.close()
    assert not handler._words
    at_rest(backend)


def test_a_call_whose_process_died_before_it_was_sent_goes_to_the_one_that_rests(
    manager: ProcessManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = manager.spawn(MENU, concurrency=2, restart=AT_ONCE)
    channel, pid = worker_of(backend).channel, backend.pid
    perform, inside, go = channel.perform, threading.Event(), threading.Event()

    def late(call: Any) -> None:
        inside.set()
        assert go.wait(DEADLINE)
        perform(call)

    monkeypatch.setattr(channel, "perform", late)
    made = Task(backend._driver.call, "add", [1, 1], DEADLINE, None, False, 0)
    assert inside.wait(DEADLINE)
    os.kill(pid, signal.SIGKILL)
    until(lambda: backend.status.state == "ready" and backend.pid != pid)
    go.set()
    assert made.wait() == 2
    at_rest(backend)


def test_the_time_of_a_call_runs_on_when_it_has_to_wait_again(backend: Backend) -> None:
    call = Call("add", [1, 1], 2.0, 1234.5)
    entry = backend._driver._entry_of(call, 3)
    assert (entry.timeout, entry.deadline, entry.priority) == (2.0, 1234.5, 3)


def test_moments_of_changes_never_go_back(manager: ProcessManager) -> None:
    """Whoever has to wait for the policy's lock looks at the clock when it has it."""
    changes = manager.changes()
    backend = manager.spawn(MENU)
    driver = backend._driver
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert go.wait(DEADLINE)
        driver.pause(False)
        driver.resume()

    holder = Task(driver.run, hold)
    assert held.wait(DEADLINE)
    caller = Task(driver.call, "add", [1, 1], DEADLINE, None, False, 0)
    until(lambda: sys._current_frames()[caller.ident].f_code.co_name == "_enter")
    go.set()
    holder.wait()
    assert caller.wait() == 2
    backend.terminate()
    told = []
    while (change := changes.take()) is not None:
        told.append(change)
    changes.close()
    assert "paused" in [change.new for change in told]
    assert "busy" in [change.new for change in told]
    assert [change.at for change in told] == sorted(change.at for change in told)
