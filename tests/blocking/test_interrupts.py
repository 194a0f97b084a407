"""Ctrl-C wherever CPython may let it rise: no place is kept, no answer lost, nobody hangs."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bridgekit import CallTimeout, EncodeError, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import at_rest, until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of

BREAKS = {dis.opmap[name] for name in dis.opmap if name.startswith(("CALL", "JUMP_BACKWARD"))}
BREAKS.add(dis.opmap["RESUME"])
"""Instructions at whose end the interpreter looks whether a signal has come."""


class Interrupter:
    """Raises KeyboardInterrupt at the ``moment``-th such look within bridgekit.

    With ``again`` it does once more so many looks later, while the first one passes.
    """

    def __init__(self, moment: int, again: int = 0) -> None:
        self.left = moment
        self.again = again
        self.came = False
        self._last: dict[FrameType, int | None] = {}

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, kind: str, _: object) -> Any:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("bridgekit"):
            return None
        if name == "bridgekit.host.lifeline" or frame.f_code.co_name == "__del__":
            return None  # what rises in a finalizer is ignored, and told
        frame.f_trace_opcodes = True
        if kind == "opcode":
            last = self._last.get(frame)
            self._last[frame] = frame.f_code.co_code[frame.f_lasti]
            if last in BREAKS:
                self.left -= 1
                if not self.left:
                    self._rise()
        elif kind == "exception":
            self._last[frame] = None
        elif kind == "return":
            self._last.pop(frame, None)
        return self._trace

    def _rise(self) -> None:
        self.came = True
        self.left, self.again = self.again, 0
        if not self.left:
            sys.settrace(self._before)
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
    with pytest.raises(CallTimeout):
        backend.call("nap", [0.05], timeout=0.001)


def overdue_asking(backend: Backend) -> None:
    with pytest.raises(CallTimeout):
        backend.call("nap", [0.05], timeout=0.001, idempotent=True)


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


@pytest.mark.usefixtures("unmeasured")
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
