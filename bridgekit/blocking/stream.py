"""A streamed result: an iterator over a running call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bridgekit.blocking.calls import Items
from bridgekit.blocking.entries import SharedPlace, leave_all
from bridgekit.host.places import Place
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel

__all__ = ["Stream"]

T = TypeVar("T")


class Stream(Generic[T]):
    """The items that a generator method yields, as they come.

    Iterate it with ``for``, in one thread at a time. The call starts with the first item asked
    for. Leaving early (``break`` and dropping it, ``close()``, the end of ``with``) cancels the
    call in the backend. After the last item ``result`` is what the generator returned. The
    backend never runs more than a bounded window ahead of the consumer.
    """

    def __init__(
        self,
        take_place: Callable[[str, float | None, list[Place]], SharedPlace],
        method: str,
        params: Any,
        timeout: float | None,
        item_timeout: float | None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._take_place = take_place
        self._channel: Channel
        self._call = Items(method, params, timeout, math.inf)
        self._run = on_event
        if on_event is not None:
            self._call.on_event = self._call.note
        self._until = math.inf
        self._timeout = timeout
        self._item_timeout = item_timeout
        self._started = False
        self._closed = False

    @property
    def result(self) -> Any:
        """What the generator returned; None before the end."""
        return self._call.result

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        call = self._call
        if not self._started and not self._closed:
            self._start()
        if self._closed and not self._started:
            raise StopIteration
        while True:
            event = item = None
            with self._channel.lock:
                # Both in one step: what arrives between two looks would be lost at the end.
                if call.events and self._run is not None:
                    event = call.events.popleft()
                else:
                    item = call.take()
                    if item is None:
                        call.done = call.ended
                    if item is None or call.unacked >= 32:
                        self._channel.acknowledge(call)
            if event is not None and self._run is not None:
                self._run(event)
                continue
            if item is not None:
                return item[0]  # type: ignore[no-any-return]
            if call.ended or self._closed:
                self._closed = True
                error, call.error = call.error, None
                if error is not None:
                    raise error
                raise StopIteration
            self._wait()

    def _start(self) -> None:
        call = self._call
        if self._timeout is not None:
            self._until = time.monotonic() + self._timeout
        limits = [each for each in (self._timeout, self._item_timeout) if each is not None]
        places: list[Place] = []
        try:
            place = self._take_place(call.method, min(limits, default=None), places)
            self._channel = place.channel
            call.deadline = self._until
            self._started = True
            call.over = place.leave_later
            self._channel.start(call)
            place.lodge()
        except BaseException:
            if call.id is None:  # nothing was sent
                self._closed = True
                for taken in places:
                    taken.leave(unused=True)
            while True:
                try:
                    self.close()
                    leave_all(places)
                    break
                except KeyboardInterrupt:  # before it had begun
                    continue
            raise

    def _wait(self) -> None:
        """Sleep until something changes; the session ends the call when that takes too long."""
        call, until = self._call, self._until
        if self._item_timeout is not None:
            until = min(until, time.monotonic() + self._item_timeout)
        try:
            with self._channel.lock:
                self._channel.session.watch(call, until)
            self._channel.wait(call, until)
            call.deadline = self._until
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the stream: cancel the call in the backend if it still runs."""
        self._closed = True
        call = self._call
        call.error = None
        if self._started and not call.ended:
            try:
                self._give_up()
            except KeyboardInterrupt:
                self._give_up()
                raise
        call.items.clear()

    def _give_up(self) -> None:
        """Cancel the call and leave its place; it may be done twice."""
        call = self._call
        self._channel.give_up(call, call)  # it may have been made leader since it waited last
        call.over()
        call.ended = True

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # ``break`` out of ``for`` leaves nothing but this to cancel the call. It may run at any
        # moment of any thread, also while that holds the channel's lock: the janitor does it.
        if getattr(self, "_started", False) and not self._call.ended:
            call, channel = self._call, self._channel
            channel.later(lambda: channel.give_up(call))
            channel.later(call.over)
