"""A streamed result on an event loop: an async iterator over a running call."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio

from bridgekit.host.pending import StreamCall

if TYPE_CHECKING:
    from bridgekit.host.channels.base import BaseChannel
    from bridgekit.host.places import Place

__all__ = ["Stream"]

T = TypeVar("T")


class _Call(StreamCall):
    __slots__ = ("event", "place")

    event: anyio.Event | None
    place: Place | None

    def wake(self) -> None:
        if self.ended and self.place is not None:
            self.place.leave()
        if self.event is not None:
            self.event.set()
            self.event = None


class Stream(Generic[T]):
    """The items that a generator method yields, as they come.

    Iterate it with ``async for``. The call starts with the first item asked for. Leaving early
    (``break`` and dropping it, ``aclose()``, the end of ``async with``) cancels the call in the
    backend. After the last item ``result`` is what the generator returned. The backend never
    runs more than a bounded window ahead of the consumer.
    """

    def __init__(
        self,
        take_place: Callable[[str, float | None], Awaitable[Place]],
        method: str,
        params: Any,
        timeout: float | None,
        item_timeout: float | None,
        on_event: Any = None,
    ) -> None:
        self._take_place = take_place
        self._channel: BaseChannel
        self._call = _Call(method, params, timeout, math.inf, on_event)
        self._call.event = None
        self._call.place = None
        self._call.item_timeout = item_timeout
        self._until = math.inf
        self._timeout = timeout
        self._item_timeout = item_timeout
        self._started = False
        self._closed = False
        self._thread = threading.get_ident()

    @property
    def result(self) -> Any:
        """What the generator returned; None before the end."""
        return self._call.result

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        call = self._call
        if not self._started and not self._closed:
            await self._start()
        while True:
            item = call.take()
            if item is not None:
                if call.unacked >= 32:
                    self._acknowledge()
                return item[0]  # type: ignore[no-any-return]
            if call.ended or self._closed:
                self._closed = True
                error, call.error = call.error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            self._acknowledge()
            await self._wait()

    async def _start(self) -> None:
        call = self._call
        if self._timeout is not None:
            self._until = time.monotonic() + self._timeout
        limits = [each for each in (self._timeout, self._item_timeout) if each is not None]
        place = await self._take_place(call.method, min(limits, default=None))
        channel = self._channel = place.channel
        try:
            await channel.wait_writable(call.method, self._timeout)
            call.deadline = self._until
            data = channel.session.open(call)
        except BaseException:
            place.leave(unused=True)
            raise
        call.place = place
        channel.write(data)
        place.lodge()
        self._started = True
        channel.arm()

    async def _wait(self) -> None:
        """Sleep until something changes; the session ends the call when that takes too long."""
        call = self._call
        event = call.event = anyio.Event()
        if self._item_timeout is not None:
            until = min(self._until, time.monotonic() + self._item_timeout)
            self._channel.session.watch(call, until)
            self._channel.arm()
        try:
            await event.wait()
        except BaseException:
            self._cancel()  # the consumer was cancelled: so is the call
            raise
        call.deadline = self._until

    def _acknowledge(self) -> None:
        session = self._channel.session
        session.consumed(self._call)
        if session.outgoing:
            self._channel.write(session.take_outgoing())

    def _cancel(self) -> None:
        self._closed = True
        if self._started and not self._call.ended:
            self._channel.give_up(self._call)
            self._call.ended = True
            self._call.items.clear()
            self._call.wake()

    async def aclose(self) -> None:
        """End the stream: cancel the call in the backend if it still runs."""
        self._call.items.clear()
        self._call.error = None
        self._cancel()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not getattr(self, "_started", False) or self._closed or self._call.ended:
            return
        # ``break`` out of ``async for`` leaves nothing but this to cancel the call.
        if threading.get_ident() == self._thread:
            self._cancel()
        else:
            call, channel = self._call, self._channel
            channel.from_thread(lambda: channel.give_up(call))
