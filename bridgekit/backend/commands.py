"""Commands that run on the main thread, in turn, but are no methods of the author's table."""

from __future__ import annotations

from bridgekit.backend.failures import failure_of, unknown_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["run"]


def run(loop: Loop, request: Any) -> bytes:
    """Run ``ready``, ``shutdown`` or a batch; return the answer."""
    name = request[1]
    if name == "$/batch":
        from bridgekit.backend.batch import run as run_batch

        return run_batch(loop, request)
    if name == "ready":
        return _answer(loop, request, loop.bridge.ready)
    if name == "shutdown":
        return _answer(loop, request, loop.shut_down)
    return loop.send_failure(failure_of(request[0], unknown_method(name, loop.methods)))


def _answer(loop: Loop, request: Any, function: Any) -> bytes:
    try:
        return loop.connection.send_result(request[0], function())
    except Exception as error:
        return loop.send_failure(failure_of(request[0], error))
