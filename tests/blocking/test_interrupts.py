"""Ctrl-C wherever CPython may let it rise: no place is kept, no answer lost, nobody hangs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from bridgekit import CallTimeout, EncodeError, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task, at_rest, until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


class Interrupter:
    """Raises KeyboardInterrupt at the ``moment``-th place of bridgekit where a signal may show.

    That is where a function begins, and where one that is written in C has returned. With
    ``again`` it rises once more so many places later, while the first one passes.
    """

    def __init__(self, moment: int, again: int = 0) -> None:
        self.left = moment
        self.again = again
        self.came = False

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, kind: str, _: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if kind not in ("call", "c_return") or not name.startswith("bridgekit"):
            return
        if name == "bridgekit.host.lifeline" or frame.f_code.co_name in ("__del__", "<genexpr>"):
            return  # what rises in a finalizer, or as a generator is closed, is ignored, and told
        self.left -= 1
        if not self.left:
            self.came = True
            self.left, self.again = self.again, 0
            if not self.left:
                sys.setprofile(None)
            raise KeyboardInterrupt


def lone(backend: Backend) -> None:
    assert backend.call("add", [1, 2], timeout=DEADLINE) == 3


def with_a_lock(backend: Backend) -> None:
    assert Backend.call(backend, "add", [1, 2], timeout=DEADLINE) == 3


def asking(backend: Backend) -> None:
    assert backend.call("add", [1, 2], timeout=DEADLINE, idempotent=True) == 3


def eventful(backend: Backend) -> None:
    seen: list[Any] = []
    assert backend.call("work", [2], on_event=seen.append, timeout=DEADLINE) == 2


def overdue(backend: Backend) -> None:
    with suppress(CallTimeout):  # the answer is there all the same if this thread gets no turn
        backend.call("nap", [0.05], timeout=0.001)


def overdue_asking(backend: Backend) -> None:
    with suppress(CallTimeout):
        backend.call("nap", [0.05], timeout=0.001, idempotent=True)


def knocked(backend: Backend) -> None:
    channel = worker_of(backend).channel

    def knock() -> None:
        with channel.lock:
            channel.inbox.knocker.knock()

    Task(knock).wait()
    assert backend.call("add", [1, 2], timeout=DEADLINE) == 3


def failing(backend: Backend) -> None:
    with pytest.raises(RemoteError):
        backend.call("fail", ["no"], timeout=DEADLINE)


def unsendable(backend: Backend) -> None:
    with pytest.raises(EncodeError):
        backend.call("echo", [object()], timeout=DEADLINE)


def list_of_calls(backend: Backend) -> None:
    assert backend.call_many("add", [[1, 2]] * 3, timeout=DEADLINE) == [3, 3, 3]


def stream(backend: Backend) -> None:
    with backend.stream("rows", [3], item_timeout=DEADLINE) as rows:
        assert next(rows) == 0


def stopping(backend: Backend) -> None:
    backend.terminate()


def restarting(backend: Backend) -> None:
    backend.restart()


@pytest.mark.parametrize("again", [0, 2])
@pytest.mark.parametrize(
    "use",
    [
        lone,
        with_a_lock,
        asking,
        eventful,
        overdue,
        overdue_asking,
        knocked,
        failing,
        unsendable,
        list_of_calls,
        stream,
    ],
)
def test_an_interrupt_at_any_moment_keeps_no_place(
    manager: ProcessManager, use: Callable[[Backend], None], again: int
) -> None:
    backend = manager.spawn(MENU, cancel_grace=DEADLINE)
    pid = backend.pid
    moment, missed = 1 + again, 0
    while missed < 3:  # a call does not always take the same way
        interrupter = Interrupter(moment, again)
        try:
            with interrupter:
                use(backend)
        except KeyboardInterrupt:
            pass
        missed += not interrupter.came
        at_rest(backend)
        assert not worker_of(backend).session.table.pending
        moment += 1 + again
    assert moment > 20
    assert backend.pid == pid
    until(lambda: not worker_of(backend).channel.gate)


@pytest.mark.slow
@pytest.mark.parametrize("use", [stopping, restarting])
def test_an_interrupt_at_any_moment_of_a_life_leaves_no_process(
    manager: ProcessManager, use: Callable[[Backend], None]
) -> None:
    moment, came = 1, True
    while came:
        backend = manager.spawn(MENU, name="x")
        interrupter = Interrupter(moment)
        try:
            with interrupter:
                use(backend)
        except KeyboardInterrupt:
            pass
        came = interrupter.came
        if use is restarting:
            at_rest(backend)
        backend.terminate(grace=0.5)
        until(lambda: manager._hub.budget.used == 0)
        assert not manager._hub.drivers
        assert manager._hub.janitor is None
        assert not manager.backends
        moment += 1
    assert moment > 20


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files as they open
def test_an_interrupt_at_any_moment_of_a_start_leaves_nothing() -> None:
    """What it leaves behind is found by the guard of every test, too."""
    with ProcessManager() as warm:
        warm.spawn(MENU)
    moment, came = 1, True
    while came:
        interrupter = Interrupter(moment)
        with ProcessManager(stop_grace=1.0) as manager:
            try:
                with interrupter:
                    manager.spawn(MENU)
            except KeyboardInterrupt:
                pass
            came = interrupter.came
            for backend in manager.backends.values():
                backend.terminate(grace=0.5)
            until(lambda: manager._hub.budget.used == 0)
            assert not manager._hub.drivers
        assert manager._hub.janitor is None
        moment += 1
    assert moment > 50
