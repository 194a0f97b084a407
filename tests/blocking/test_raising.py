"""What a signal handler raises in the middle of a call reaches the caller, whatever its type."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from bridgekit import CallTimeout
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.raising import raised_by_handler
from tests.blocking.support import at_rest
from tests.host.support import DEADLINE, MENU

ERRORS = [
    TimeoutError("mine"),
    ConnectionResetError(104, "mine"),
    BlockingIOError("mine"),
    InterruptedError(4, "mine"),
    CallTimeout("mine"),
    ValueError("mine"),
]


@pytest.fixture
def alarm() -> Iterator[Callable[[BaseException], None]]:
    """``alarm(error)``: soon a handler raises ``error``."""

    def arm(error: BaseException) -> None:
        def handler(number: int, frame: FrameType | None) -> None:
            raise error

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    old = signal.getsignal(signal.SIGALRM)
    yield arm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["warm", "cold", "asking"])
def test_what_a_handler_raises_ends_the_call(
    manager: ProcessManager, alarm: Callable[[BaseException], None], error: Exception, way: str
) -> None:
    backend: Backend = manager.spawn(MENU, cancel_grace=DEADLINE)
    if way == "warm":
        for _ in range(3):
            backend.call("add", [1, 1], timeout=DEADLINE)
    alarm(error)
    with pytest.raises(type(error), match="mine") as caught:
        backend.call("sleep", [60], timeout=DEADLINE, idempotent=way == "asking")
    assert caught.value is error
    at_rest(backend)


def test_only_what_comes_from_elsewhere_was_raised_by_a_handler() -> None:
    def handler() -> None:
        raise TimeoutError

    for function in (handler, lambda: os.read(-1, 1)):  # C code has no frame: its caller's counts
        with pytest.raises(OSError) as caught:  # noqa: PT011 - any will do
            function()
        assert raised_by_handler(caught.value)
    assert not raised_by_handler(OSError())  # it was never raised
