"""``call_many`` on an event loop: batches where the backend takes them, else single calls."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from bridgekit.errors import BackendError, BridgeError, FrameTooLarge
from bridgekit.host.many import IN_FLIGHT, ManyCalls, Parts, note_item, patience

if TYPE_CHECKING:
    from bridgekit.host.channels.base import BaseChannel
    from bridgekit.host.pending import PendingCall

__all__ = ["call_many"]

_SINGLES = 128
"""Single calls under way at a time, for backends that know no batches."""


async def call_many(
    channel: BaseChannel,
    method: str,
    items: list[Any],
    seconds: float | None,
    return_exceptions: bool,
) -> list[Any]:
    """Call ``method`` for each of ``items``; see :meth:`Backend.call_many`."""
    kind = _Batches if "batch" in channel.session.features else _Singles
    run = kind(channel, method, items, seconds, return_exceptions)
    try:
        return await run.run()
    except BackendError as error:
        if not return_exceptions:
            raise
        return run.results + [error] * (len(items) - len(run.results))
    finally:
        run.cancel()


class _Batches(ManyCalls):
    """Sends a list as ``$/batch`` frames, two under way at a time."""

    async def run(self) -> list[Any]:
        """Return all results, or raise the first failure."""
        count = len(self._items)
        while len(self.results) < count:
            await self._channel.wait_writable(self._method, self._seconds)
            while self._next < count and len(self._under_way) < IN_FLIGHT:
                self._send()
            await self._receive()
        return self.results

    def cancel(self) -> None:
        """Give up what is still under way."""
        for call, _ in self._under_way:
            self._channel.abandon(call)
        self._under_way.clear()

    def _send(self) -> None:
        """Open the next batch, halving it until it fits into a frame."""
        while True:
            batch = self._items[self._next : self._next + self._sizer.size]
            call = self._channel.make_call(self._method, None, self._seconds)
            call.deadline = math.inf
            call.on_event = Parts(partial(self._extend, call, len(batch)))
            try:
                data = self._session.open_batch(call, batch)
            except FrameTooLarge:
                if len(batch) == 1:
                    raise
                self._sizer.refused(len(batch))
                continue
            break
        self._sizer.sent(len(batch), len(data))
        self._next += len(batch)
        self._under_way.append((call, len(batch)))
        self._channel.write(data)

    def _extend(self, call: PendingCall, size: int, done: int = 0) -> None:
        """Give a batch that is being worked on the time for its remaining items."""
        if self._seconds is not None:
            peer = self._session.peer
            left = patience(self._seconds, size - done, self._method, peer)
            self._session.watch(call, time.monotonic() + left)
            self._channel.arm()

    async def _receive(self) -> None:
        """Wait for the oldest batch; add its values and exceptions to the results."""
        call, size = self._under_way[0]
        started = time.monotonic()
        self._extend(call, size)
        await call
        failure = call.error
        if failure is not None and not isinstance(failure, BridgeError):
            raise call.take_error()  # our own task was cancelled
        outcomes: Any = [] if failure is not None else call.value
        self._sizer.answered(size, time.monotonic() - started)
        self._under_way.popleft()
        self._take(call, size, outcomes, failure)


class _Singles(_Batches):
    """Sends a list as calls of their own, many under way at a time."""

    async def run(self) -> list[Any]:
        count = len(self._items)
        while len(self.results) < count:
            await self._channel.wait_writable(self._method, self._seconds)
            while self._next < count and len(self._under_way) < _SINGLES:
                self._send_one()
            call, _ = self._under_way[0]
            self._extend(call, 1)
            await call
            if call.error is None:
                self.results.append(call.value)
            elif self._return_exceptions and isinstance(call.error, BridgeError):
                self.results.append(note_item(call.error, len(self.results), count))
            else:
                raise note_item(call.take_error(), len(self.results), count)
            self._under_way.popleft()
        return self.results

    def _send_one(self) -> None:
        params = self._items[self._next]
        call = self._channel.make_call(self._method, params, self._seconds)
        call.deadline = math.inf
        data = self._session.open(call)
        self._next += 1
        self._under_way.append((call, 1))
        self._channel.write(data)
