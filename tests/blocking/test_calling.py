"""Calls that ask the policy for a place, and what an interrupt may leave of them: nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridgekit import BackendDied, BackendError, CallTimeout, EncodeError, QueueFull
from bridgekit.blocking import Backend, ProcessManager
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
    second = Task(shared.call, "add", [1, 1], timeout=DEADLINE)
    until(lambda: shared.status.queued)
    os.kill(pid, signal.SIGKILL)
    assert second.wait() == 2
    until(lambda: shared.pid != pid)
    Task(shared.call, "sleep", [60], timeout=None)
    until(lambda: shared.status.in_flight)
