"""What a thread waits for: something with ``done`` and, while it sleeps, a ``waiter`` lock.

``done`` means "look again": a call has ended, an item or an event has come. The hooks run with
the channel's lock held, and each may run twice when a KeyboardInterrupt tears its first run
(see :mod:`bridgekit.blocking.inbox`), so each of them is idempotent.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from bridgekit.host.pending import PendingCall, StreamCall
from bridgekit.wire.messages import Event

__all__ = ["Awaited", "Call", "EventfulCall", "Items", "LoneCall", "finish", "release"]

_MOST_EVENTS = 10_000
"""Progress events that wait for a caller's handler; the oldest give way."""


def _nothing() -> None:
    """Nobody is to be told."""


class Awaited(Protocol):
    """What :meth:`Channel.wait` waits for."""

    done: bool
    waiter: Any


def release(awaited: Awaited) -> None:
    """Wake the thread that sleeps on ``awaited``, if one does."""
    waiter = awaited.waiter
    if waiter is not None:
        try:
            waiter.release()
        except RuntimeError:  # woken already
            pass


class Call(PendingCall):
    """One call and the thread that made it."""

    __slots__ = ("done", "error", "result", "sent", "waiter")

    def __init__(
        self, method: str, params: Any, timeout: float | None, deadline: float = math.inf
    ) -> None:
        self.method = method
        self.params = params
        self.timeout = timeout
        self.deadline = deadline
        self.id: Any = None
        self.on_event = None
        self.waiter: Any = None
        self.error: Exception | None = None
        self.done = False
        self.sent = False  # its request is written for certain

    def settle(self, result: Any) -> None:
        self.result = result
        self.done = True
        if self.waiter is not None:
            release(self)

    def fail(self, error: Exception) -> None:
        self.error = error
        self.done = True
        if self.waiter is not None:
            release(self)


class LoneCall(Call):
    """A call whose thread leads before it sends: nobody else has a call at that worker.

    ``counted``: its channel has counted it in ``alone``; ``told``: the policy has heard of its
    end; ``over``: neither is left to be done. ``asleep``: it may sleep in a read, which keeps no
    deadline, so others do.
    """

    __slots__ = ("asleep", "counted", "over", "told")

    def __init__(
        self, method: str, params: Any, timeout: float | None, deadline: float = math.inf
    ) -> None:
        super().__init__(method, params, timeout, deadline)
        self.asleep = self.counted = self.over = self.told = False


def finish(call: Call) -> Any:
    """Return the result of a call that has ended, or raise its error."""
    error, call.error = call.error, None
    if error is None:
        return call.result
    try:
        raise error
    finally:
        del error, call  # no cycle of the error and its traceback


class EventfulCall(Call):
    """A call whose progress is handed to its caller's own thread while it waits."""

    __slots__ = ("ended", "events")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ended = False
        self.events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self.on_event = self._on_event

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self.done = True
        release(self)

    def settle(self, result: Any) -> None:
        self._end()
        super().settle(result)

    def fail(self, error: Exception) -> None:
        self._end()
        super().fail(error)

    def _end(self) -> None:
        self.ended = True
        self.on_event = None  # a circle, which would keep all that came


class Items(StreamCall):
    """A streamed call and the thread that consumes it; ``over`` is called when it has ended."""

    __slots__ = ("done", "events", "over", "sent", "waiter")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.done = False
        self.sent = False
        self.waiter: Any = None
        self.over: Callable[[], None] = _nothing
        self.events: deque[Event] = deque(maxlen=_MOST_EVENTS)

    def note(self, event: Event) -> None:
        """Keep an event for the consumer's handler."""
        self.events.append(event)
        self.wake()

    def add(self, data: Any) -> None:
        self.check_item(data)
        seq = data["seq"]
        if not (self.items and self.items[-1][0] == seq) and not (self.total and self.seq == seq):
            # Number and value in one step: an interrupt finds both or neither.
            self.items.append((seq, data.get("value")))
        self.seq = seq
        self.total += 1
        self.wake()

    def take(self) -> tuple[Any] | None:
        if not self.items:
            return None
        self.unacked += 1
        seq, value = self.items.popleft()
        self.seq = max(self.seq, seq)
        return (value,)

    def settle(self, result: Any) -> None:
        if not self.total and not self.ended and type(result) is list:
            self.items = deque((0, value) for value in result)
        self.result = result
        self.ended = True
        self.wake()

    def wake(self) -> None:
        self.done = True
        release(self)
        if self.ended:
            self.over()
