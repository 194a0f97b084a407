"""Many calls of one method in one frame, answered in one frame.

A batch is a row of calls with ids of their own: ``first``, ``first + 1`` and so on, which can be
cancelled and can send events. Its answer is a list with ``[value]`` or ``{"error": {...}}`` for
each. What a long or large batch has done so far goes ahead in ``$/part`` events; the answer then
holds the rest.
"""

from __future__ import annotations

from time import monotonic

from bridgekit.backend.call import key_of
from bridgekit.backend.invoke import CALLERS, COROUTINE, GENERATOR, LATER, invoke
from bridgekit.errors import Cancelled, InvalidParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.dispatch import Method
    from bridgekit.backend.loop import Loop
    from bridgekit.backend.outcomes import Outcomes

__all__ = ["Batch", "accept", "cancel_queued", "run"]

_PART_AFTER = 0.05
"""Seconds after which what is done goes ahead of the rest."""

_PARAMS = frozenset((dict, list, type(None)))
"""What an item may be."""

_DROPPED: Any = object()
"""Key of a batch's parameters that holds its cancelled items; no host can send it."""


class Batch:
    """A batch under way on the main thread."""

    __slots__ = ("count", "dropped", "first", "id", "whole")

    def __init__(self, batch_id: Any, first: int, count: int, dropped: set[int]) -> None:
        self.id = batch_id
        self.first = first
        self.count = count
        self.dropped = dropped
        self.whole = False

    def cancel(self, call_id: Any, loop: Loop) -> bool:
        """Drop one item, or all; return whether ``call_id`` is of ours.

        Marks first and looks then what runs: the main thread does it the other way round.
        """
        if type(call_id) is type(self.id) and call_id == self.id:
            self.whole = True
        elif type(call_id) is int and self.has(call_id):
            self.dropped.add(call_id)
        else:
            return False
        running = loop.running
        ours = running.__class__ is tuple and self.has(running[0])
        if ours and (self.whole or running[0] == call_id):
            from bridgekit.backend.control import interrupt

            interrupt(loop, running)
        return True

    def has(self, call_id: Any) -> bool:
        """Whether it is the id of one of the items."""
        return type(call_id) is int and self.first <= call_id < self.first + self.count


def accept(loop: Loop, request: Any) -> None:
    """Queue a batch, or start its calls at once where they do not run on the main thread."""
    batch_id, params = request[0], request[2]
    name = params.get("cmd") if type(params) is dict else None
    if type(name) is not str or name not in loop.elsewhere or loop.ending:
        loop.queue.append(request)
        return
    from bridgekit.backend.outcomes import Gathered

    try:
        _, first, items = _read(loop, params)
    except Exception as error:
        loop.outbox.put(loop.refusal(batch_id, error))
        return
    if not items:
        loop.outbox.put(loop.connection.send_result(batch_id, []))
        return
    gathered = Gathered(loop, batch_id, first, len(items))
    loop.active[key_of(batch_id)] = gathered
    for index, item in enumerate(items):
        loop.start_elsewhere((first + index, name, item, *request[3:]), gathered, index)


def cancel_queued(request: Any, call_id: Any) -> bool:
    """Mark one item of a batch that still waits as cancelled."""
    params = request[2]
    try:
        first, count = params["first"], len(params["params"])
        if type(call_id) is not int or not first <= call_id < first + count:
            return False
    except (TypeError, KeyError):
        return False
    params.setdefault(_DROPPED, set()).add(call_id)
    return True


def run(loop: Loop, request: Any) -> bytes:  # noqa: C901 - one frame, on purpose
    """Run a batch's calls one after the other; return the answer."""
    from bridgekit.backend.outcomes import outcomes_for

    batch_id, params, timeout = request[0], request[2], request[3]
    try:
        method, first, items = _read(loop, params)
    except Exception as error:
        return loop.refusal(batch_id, error)
    dropped = params.setdefault(_DROPPED, set())
    batch = loop.batch = Batch(batch_id, first, len(items), dropped)
    outcomes = outcomes_for(loop, batch_id, first)
    name, function, short = method.name, method.function, outcomes.short
    loop.began = monotonic()  # what each call may take counts from its own beginning
    part_at = loop.began + _PART_AFTER
    for call_id, item in enumerate(items, first):
        call = (call_id, name, item, timeout)
        try:
            try:
                loop.running = call  # before the look: who cancels marks first and looks then
                if batch.whole or loop.ending or (dropped and call_id in dropped):
                    loop.running = None
                    outcomes.add_error(_dropped(loop, call_id))
                    continue
                if item.__class__ is dict:  # as ``invoke`` does, without the price of a call
                    for parameter, kind, default in method.checks:
                        if item.get(parameter, default).__class__ is not kind:
                            result = invoke(method, item)
                            break
                    else:
                        result = function(**item)
                else:
                    result = invoke(method, item)
                if result.__class__ is str and len(result) <= short and result.isascii():
                    outcomes.keep(result)
                else:
                    if result.__class__ in LATER:
                        result = _finish(loop, result)
                    outcomes.add(result)
                loop.running = None
            except BaseException as error:
                _failed(loop, call, error, outcomes)
        except Cancelled as error:  # it came as the item was ending in another way
            _failed(loop, call, error, outcomes)
        if loop.call is not None:
            loop.current.end()
        loop.began = monotonic()
        if outcomes.large or loop.began > part_at:
            outcomes.send_part()
            part_at = monotonic() + _PART_AFTER
    loop.calls += len(items)
    loop.batch = None
    return outcomes.answer()


CALLERS.add(run.__code__)


def _failed(loop: Loop, entry: Any, error: BaseException, outcomes: Outcomes) -> None:
    loop.running = None
    if outcomes.next > entry[0]:  # it had ended when this came
        return
    loop.errors += 1
    call = loop.current.of(entry)
    outcomes.add_error(loop.failure(call, error, entry[2]))


def _finish(loop: Loop, result: Any) -> Any:
    """What a generator or coroutine comes to, as one value."""
    if result.__class__ is GENERATOR:
        return list(result)
    if result.__class__ is COROUTINE:
        return loop.async_lane().complete(result)
    raise TypeError("an async generator cannot be called in a batch; stream it")


def _dropped(loop: Loop, call_id: int) -> Any:
    from bridgekit.wire.messages import Failure

    if loop.ending:
        return Failure(call_id, "the backend is shutting down", "shutting_down")
    return Failure(call_id, "the call was cancelled before it began", "cancelled", type="Cancelled")


def _read(loop: Loop, params: Any) -> tuple[Method, int, list[Any]]:
    """Take a batch's parameters apart; raises InvalidParams or MethodNotFound."""
    if type(params) is not dict:
        raise InvalidParams('$/batch needs {"cmd": name, "first": id, "params": [...]}')
    name, first, items = params.get("cmd"), params.get("first"), params.get("params")
    if type(name) is not str or type(first) is not int or type(items) is not list:
        raise InvalidParams('$/batch needs {"cmd": name, "first": id, "params": [...]}')
    if not _PARAMS.issuperset(map(type, items)):
        item = next(each for each in items if type(each) not in _PARAMS)
        raise InvalidParams(
            f"each item of $/batch must be an object, an array or null, not {item!r:.60}"
        )
    method = loop.methods.get(name)
    if method is None:
        from bridgekit.backend.failures import unknown_method

        raise unknown_method(name, loop.methods)
    return method, first, items
