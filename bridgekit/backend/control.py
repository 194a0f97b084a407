"""The control lane: what is answered at once, whatever the main thread is doing.

:func:`handle` takes requests whose names start with ``$/``, :func:`other` every message that is
no request. Both run on whichever thread reads the wire, leave their answers in the outbox and
never raise.
"""

from __future__ import annotations

from _thread import get_ident

from bridgekit.backend.call import key_of
from bridgekit.wire.messages import Cancel, Failure, Malformed, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.backend.loop import Loop
    from bridgekit.wire.messages import Message

__all__ = ["cancel", "handle", "interrupt", "other"]

_MOST_HEADERS = 1000
"""Calls whose headers are kept, which nobody has to forget one by one when they end."""


def handle(loop: Loop, request: Any) -> None:
    """Answer a request of the control lane."""
    call_id, name, params = request[:3]
    if name == "$/batch":
        from bridgekit.backend.batch import accept

        accept(loop, request)
        return
    answer = _ANSWERS.get(name)
    try:
        if answer is None:
            from bridgekit.backend.failures import unknown_method

            raise unknown_method(name, _ANSWERS)
        result = answer(loop, params)
        reply = loop.connection.send_result(call_id, result)
    except Exception as error:
        from bridgekit.backend.failures import failure_of

        reply = loop.send_failure(failure_of(call_id, error))
    if call_id is not None:
        loop.outbox.put(reply)


def other(loop: Loop, message: Message) -> None:
    """Take in a cancel, an answer to a call of ours, or a frame that makes no sense."""
    kind = type(message)
    if kind is Cancel:
        cancel(loop, message.id)  # type: ignore[union-attr]
    elif kind is Malformed:
        _complain(loop, message)  # type: ignore[arg-type]
    elif loop.host_calls is not None and (kind is Response or kind is Failure):
        loop.host_calls.receive(message)


def _complain(loop: Loop, message: Malformed) -> None:
    """A frame that was no message is answered, with its id if that much could be read."""
    from bridgekit.errors import FrameTooLarge

    error = message.error
    code = getattr(error, "code", None)
    if isinstance(error, FrameTooLarge):
        code = "frame_too_large"
    failure = Failure(message.id, error.message, code=code, type=type(error).__name__)
    loop.errors += 1
    loop.outbox.put(loop.send_failure(failure))


def cancel(loop: Loop, call_id: Any, again: bool = False) -> bool:
    """Cancel a call, whatever has become of it; return whether there was anything to cancel.

    A call that the main thread is just taking up, or handing on, is nowhere to be found. So the
    helper looks ``again``, until the main thread has been seen elsewhere.
    """
    waiting, running = loop.waiting, loop.running
    found = False
    if running is not None and running.__class__ is tuple and _same(running[0], call_id):
        interrupt(loop, running)
        if loop.running is running:
            return True
        found = True
    batch = loop.batch
    if batch is not None and batch.cancel(call_id, loop):
        return True
    job = loop.active.get(key_of(call_id))
    if job is not None:
        job.cancel()
        return True
    if _drop_queued(loop, call_id):
        return True
    if not waiting and (running is None or not again) and get_ident() != loop.main:
        loop.helper.look_again(call_id)
    return found


def interrupt(loop: Loop, entry: Any) -> None:
    """Cancel the call that runs on the main thread."""
    call = loop.current.of(entry)
    call._cancelled = True
    loop.helper.cancel(call)


def _drop_queued(loop: Loop, call_id: Any) -> bool:
    from bridgekit.backend.batch import cancel_queued

    for request in list(loop.queue):
        if _same(request[0], call_id):
            try:
                loop.queue.remove(request)
            except ValueError:  # the main thread was faster: it runs by now
                return cancel(loop, call_id)
            failure = Failure(
                call_id, "the call was cancelled before it began", "cancelled", type="Cancelled"
            )
            loop.outbox.put(loop.send_failure(failure))
            return True
        if request[1] == "$/batch" and cancel_queued(request, call_id):
            if any(each is request for each in list(loop.queue)):
                return True
            return cancel(loop, call_id)  # the main thread may have taken it up without the mark
    return False


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


# -- answers ---------------------------------------------------------------------------------


def _cancel(loop: Loop, params: Any) -> Any:
    if type(params) is not dict or "id" not in params:
        from bridgekit.errors import InvalidParams

        raise InvalidParams('$/cancel needs {"id": the id of the call}')
    return {"cancelled": cancel(loop, params["id"])}


def _ack(loop: Loop, params: Any) -> Any:
    if type(params) is dict:
        stream = loop.active.get(key_of(params.get("call")))
        if stream is not None and hasattr(stream, "acknowledge"):
            stream.acknowledge(params.get("seq"))


def _headers(loop: Loop, params: Any) -> Any:
    if type(params) is not dict or type(params.get("headers")) is not dict:
        return
    kept = loop.headers
    kept[key_of(params.get("call"))] = params["headers"]
    while len(kept) > _MOST_HEADERS:  # of calls that have ended long ago
        del kept[next(iter(kept))]


def _ping(loop: Loop, params: Any) -> Any:
    from bridgekit.backend.report import ping

    return ping(loop)


def _stats(loop: Loop, params: Any) -> Any:
    from bridgekit.backend.report import stats

    return stats(loop)


def _stack(loop: Loop, params: Any) -> Any:
    from bridgekit.backend.report import stack

    return stack(loop)


def _describe(loop: Loop, params: Any) -> Any:
    from bridgekit.backend.describe import describe

    return describe(type(loop.bridge), loop.methods)


_ANSWERS: dict[str, Callable[[Loop, Any], Any]] = {
    "$/cancel": _cancel,
    "$/ack": _ack,
    "$/headers": _headers,
    "$/ping": _ping,
    "$/stats": _stats,
    "$/stack": _stack,
    "$/describe": _describe,
}
