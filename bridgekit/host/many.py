"""``call_many`` without I/O: how many calls go into the next batch, and what came back.

A batch is one frame each way for many calls. Its size follows what the calls turn out to cost:
large for small, quick ones; one at a time for slow ones, so that a deadline stays exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bridgekit.errors import CallError, ProtocolError
from bridgekit.host.outcomes import error_of
from bridgekit.wire.messages import Event, Failure

if TYPE_CHECKING:
    from bridgekit.host.handshake import Peer

__all__ = [
    "IN_FLIGHT",
    "BatchSizer",
    "ManyCalls",
    "Parts",
    "note_item",
    "patience",
    "unpack",
    "values_of",
]

IN_FLIGHT = 2
"""Batches that are under way at a time: one runs while the next already waits."""

E = TypeVar("E", bound=BaseException)

_FIRST = 8
_MOST = 128
_BYTES = 32 * 1024
_TOLD = 0.5
"""Seconds after which at the latest a host knows of what a backend has done of a batch."""
_SLOW = 0.02
"""Seconds that a batch may take before the next ones get smaller."""


class BatchSizer:
    """Decides the size of each batch from how large and how slow the last ones were."""

    def __init__(self) -> None:
        self.size = _FIRST

    def sent(self, items: int, size: int) -> None:
        """A batch of ``items`` calls made a frame of ``size`` bytes."""
        fitting = max(1, _BYTES * items // max(1, size))
        self.size = max(1, min(self.size, fitting))

    def answered(self, items: int, seconds: float) -> None:
        """A batch of ``items`` calls took ``seconds``."""
        if seconds > _SLOW:
            self.size = max(1, int(items * _SLOW / seconds))
        elif items >= self.size:
            self.size = min(_MOST, self.size * 4)

    def refused(self, items: int) -> None:
        """A batch of ``items`` calls was too large for one frame."""
        self.size = max(1, items // 2)


def patience(seconds: float, items: int, method: str, peer: Peer) -> float:
    """Seconds until one of a batch's last ``items`` calls has taken more than ``seconds``.

    A backend that runs them one after the other tells what is done soon after it is, so silence
    of that long means that one call has taken too long. Where they run beside each other, or
    nobody knows, only the whole can be timed.
    """
    whole = seconds * max(1, items)
    if peer.concurrent is None or method in peer.concurrent:
        return whole
    return min(whole, seconds + _TOLD)


class Parts:
    """Collects what a backend sends of a batch's outcomes before its reply."""

    __slots__ = ("outcomes", "progressed")

    def __init__(self, progressed: Callable[[int], None]) -> None:
        self.outcomes: list[Any] = []
        self.progressed = progressed

    def __call__(self, event: Event) -> None:
        """Take a ``$/part`` event; other events of the batch are not for us."""
        if event.topic == "$/part" and type(event.data) is dict:
            results = event.data.get("results")
            if type(results) is list:
                self.outcomes.extend(results)
                self.progressed(len(self.outcomes))


def values_of(outcomes: Any, expected: int) -> list[Any] | None:
    """Return the values of a batch's outcomes, where every call returned one; else None."""
    if type(outcomes) is not list or len(outcomes) != expected:
        return None
    if set(map(type, outcomes)) != {list}:
        return None
    try:
        return [value for (value,) in outcomes]
    except ValueError:  # one of them is longer, or empty
        return None


def unpack(
    outcomes: Sequence[Any], expected: int, method: str, first_id: int, backend: str
) -> list[Any]:
    """Return one value or exception for each of a batch's outcomes, in order.

    Raises ProtocolError when the backend's answer is not one outcome for each call.
    """
    if type(outcomes) is not list or len(outcomes) != expected:
        came = len(outcomes) if type(outcomes) is list else "none of the"
        raise ProtocolError(f"backend {backend!r} answered {came} calls of a batch of {expected}")
    values: list[Any] = []
    append = values.append
    for outcome in outcomes:
        if type(outcome) is list and len(outcome) == 1:
            append(outcome[0])
        else:
            append(_error(outcome, method, first_id + len(values), backend))
    return values


def _error(outcome: Any, method: str, call_id: int, backend: str) -> Exception:
    fields = outcome.get("error") if type(outcome) is dict else None
    if type(fields) is not dict or not isinstance(fields.get("error"), str):
        raise ProtocolError(f"backend {backend!r} sent an outcome of a batch that is none")
    failure = Failure(
        call_id,
        fields["error"],
        fields.get("code"),
        fields.get("data"),
        fields.get("type"),
        fields.get("traceback"),
    )
    return error_of(failure, method, call_id, backend)


def note_item(error: E, index: int, count: int) -> E:
    """Say on ``error`` which item of a ``call_many`` it belongs to."""
    if isinstance(error, CallError | ProtocolError):
        error.add_note(f"This was item {index} (of {count}, counted from 0) of call_many.")
    return error


class ManyCalls:
    """How far a list of calls has got; each face adds how it sends and how it waits.

    ``results`` holds a value or an exception for each call that has ended, in order.
    """

    def __init__(
        self,
        channel: Any,
        method: str,
        items: list[Any],
        seconds: float | None,
        return_exceptions: bool,
    ) -> None:
        self._channel = channel
        self._session = channel.session
        self._method = method
        self._items = items
        self._seconds = seconds
        self._return_exceptions = return_exceptions
        self._sizer: BatchSizer = channel.sizers.setdefault(method, BatchSizer())
        self._next = 0
        self._under_way: deque[tuple[Any, int]] = deque()
        self.results: list[Any] = []

    def _take(self, call: Any, size: int, outcomes: Any, failure: Exception | None) -> None:
        """Add what became of a batch; ``outcomes`` are those before its ``failure``, if it failed."""
        parts, call.on_event = call.on_event, None  # a circle, which would keep all that came
        if isinstance(parts, Parts) and parts.outcomes:
            outcomes = parts.outcomes + outcomes
        values = values_of(outcomes, size)
        if values is None or failure is not None:
            done = size if failure is None else len(outcomes)
            values = unpack(outcomes, done, self._method, call.id + 1, self._session.name)
            if failure is not None:
                values += [failure] * (size - done)
            self._raise_first(values)
        self.results += values

    def _raise_first(self, values: list[Any]) -> None:
        if self._return_exceptions:
            return
        for index, value in enumerate(values, len(self.results)):
            if isinstance(value, Exception):
                raise note_item(value, index, len(self._items))
