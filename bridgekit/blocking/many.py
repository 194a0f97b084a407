"""``call_many`` for threads: batches where the backend takes them, else single calls.

Two batches are under way at a time; the caller waits for the older one, since the backend runs
them in order.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.calls import Call
from bridgekit.errors import BackendError, BridgeError, FrameTooLarge
from bridgekit.host.many import IN_FLIGHT, ManyCalls, Parts, patience

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel

__all__ = ["call_many"]

_SINGLES = 128
"""Single calls under way at a time, for backends that know no batches."""


def call_many(
    channel: Channel,
    method: str,
    items: list[Any],
    seconds: float | None,
    return_exceptions: bool,
) -> list[Any]:
    """Call ``method`` for each of ``items``; see :meth:`Backend.call_many`."""
    kind = _Batches if "batch" in channel.session.features else _Singles
    run = kind(channel, method, items, seconds, return_exceptions)
    try:
        return run.run()
    except BackendError as error:
        if not return_exceptions:
            raise
        return run.results + [error] * (len(items) - len(run.results))
    finally:
        run.cancel()


class _Batches(ManyCalls):
    """Sends a list as ``$/batch`` frames."""

    most = IN_FLIGHT

    def run(self) -> list[Any]:
        """Return all results, or raise the first failure."""
        count = len(self._items)
        while len(self.results) < count:
            while self._next < count and len(self._under_way) < self.most:
                self._send()
            self._receive()
        return self.results

    def cancel(self) -> None:
        """Give up what is still under way."""
        while self._under_way:
            self._channel.give_up(self._under_way.popleft()[0])

    def _send(self) -> None:
        """Open the next batch, halving it until it fits into a frame."""
        while True:
            batch = self._items[self._next : self._next + self._sizer.size]
            try:
                size = self._start(batch)
            except FrameTooLarge:
                self._under_way.pop()
                if len(batch) == 1:
                    raise
                self._sizer.refused(len(batch))
                continue
            self._sizer.sent(len(batch), size)
            self._next += len(batch)
            return

    def _start(self, batch: list[Any]) -> int:
        call = Call(self._method, None, self._seconds)
        call.on_event = Parts(lambda done: self._extend(call, len(batch) - done))
        self._under_way.append((call, len(batch)))
        size: int = self._channel.start(call, lambda: self._session.open_batch(call, batch))
        return size

    def _extend(self, call: Call, items: int) -> None:
        """Give a batch that is being worked on the time for its remaining ``items``."""
        if self._seconds is not None:
            left = patience(self._seconds, items, self._method, self._session.peer)
            self._session.watch(call, time.monotonic() + left)

    def _receive(self) -> None:
        """Wait for the oldest batch; add its values and exceptions to the results."""
        call, size = self._under_way[0]
        started = time.monotonic()
        with self._channel.lock:
            if not call.done:
                self._extend(call, size)
        while not call.done:
            self._channel.wait(call, call.deadline)
        self._sizer.answered(size, time.monotonic() - started)
        self._under_way.popleft()
        failure = call.error
        if failure is not None and not isinstance(failure, BridgeError):
            raise failure
        outcomes = [] if failure is not None else call.result
        self._take(call, size, outcomes, failure)


class _Singles(_Batches):
    """Sends a list as calls of their own, many under way at a time."""

    most = _SINGLES

    def _send(self) -> None:
        call = Call(self._method, self._items[self._next], self._seconds, math.inf)
        self._under_way.append((call, 1))
        self._channel.start(call)
        self._next += 1

    def _receive(self) -> None:
        call, _ = self._under_way[0]
        with self._channel.lock:
            if not call.done:
                self._extend(call, 1)
        while not call.done:
            self._channel.wait(call, call.deadline)
        self._under_way.popleft()
        values = [call.result if call.error is None else call.error]
        self._raise_first(values)
        self.results += values
