"""The end of a backend: hooks once, every call answered, and a last moment to be asked again."""

from __future__ import annotations

import sys
from time import monotonic

from bridgekit.backend.loop import Wake
from bridgekit.errors import Cancelled
from bridgekit.wire.messages import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["finish"]

_CLEAN_UP = 0.5
"""Seconds that interrupted calls on other threads have to clean up and answer."""

_ENDING = "the backend is shutting down"

_LINGER = 0.3
"""Seconds for which a backend that ends in order still answers."""


def finish(loop: Loop) -> None:
    """Run the stop hook if it has not run, answer what is left, and let go of the wire."""
    failed = sys.exc_info()[0] is not None
    bridge = loop.bridge
    bridge._bridgekit_stopped = True
    loop.running = None
    loop.waiting = False  # what runs from now on may have to be interrupted
    loop.outbox.main_writes = False  # an interrupt may have kept it from saying so
    loop.stop("failed")
    try:
        loop.run_stop_hook()
    except Wake:
        pass
    except BaseException:
        loop.tell_of_hook()
    try:
        _answer_rest(loop)
        if loop.ending in ("stopped", "shutdown") and not failed:
            _linger(loop)
    except Wake:
        pass
    loop.close()


def _answer_rest(loop: Loop) -> None:
    """Everything that was asked for and not done is refused."""
    while loop.queue:
        request = loop.queue.popleft()
        loop.outbox.put(_late_answer(loop, request))
    while loop.streams:
        try:
            loop.streams.pop().end()
        except Cancelled:  # an interrupt that came late; it is answered below
            pass
    for lane in (loop.tasks, loop.workers):
        if lane is not None:
            lane.stop()
    until = monotonic() + _CLEAN_UP
    loop.resting = True
    while loop.active and monotonic() < until:  # what was interrupted answers for itself
        loop.rest.acquire(True, max(0.0, until - monotonic()))
    for job in list(loop.active.values()):
        call = getattr(job, "call", None)  # a batch has none: the last of its calls answers it
        if call is not None and not call.done:
            loop.outbox.put(loop.settle_error(call, Cancelled(_ENDING)))
            loop.forget(call)
    loop.outbox.flush()


def _shutting_down(call_id: Any) -> Failure:
    return Failure(call_id, _ENDING, "shutting_down")


def _late_answer(loop: Loop, request: Any) -> bytes:
    """A backend that is ending knows only its last commands."""
    try:
        if request[1] == "shutdown":
            return loop.connection.send_result(request[0], loop.farewell)
        if request[1] == "ready":
            return loop.connection.send_result(request[0], loop.bridge.ready())
    except Exception as error:
        return loop.refusal(request[0], error)
    return loop.send_failure(_shutting_down(request[0]))


def _linger(loop: Loop) -> None:
    """Go on answering for a moment: a host may ask twice, or have asked something already."""
    until = monotonic() + _LINGER
    loop.helper.stand_back()
    while not loop.eof and not loop.outbox.gone:
        left = until - monotonic()
        if left <= 0 or not loop.helper.take_in(left):
            break
        while loop.queue:
            loop.outbox.put(_late_answer(loop, loop.queue.popleft()))
        loop.outbox.flush()
