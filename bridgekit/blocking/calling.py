"""The path of calls that have to ask the policy for a place, from the threads that make them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from bridgekit.blocking.calls import finish
from bridgekit.blocking.entries import SharedPlace, ThreadEntry, once
from bridgekit.host.driving import Driver

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.host.entries import Entry
    from bridgekit.host.pending import PendingCall
    from bridgekit.policy.pooling import Worker

__all__ = ["Calling"]

T = TypeVar("T")

_now = time.monotonic


class Calling(Driver):
    """The calling half of :class:`~bridgekit.blocking.driving.BlockingDriver`."""

    def run(self, step: Callable[[], T]) -> T:
        """Take ``step`` with the policy to itself; return or raise what it does."""
        raise NotImplementedError

    def post(self, step: Callable[[], object]) -> None:
        """Have ``step`` taken before any later one of this thread."""
        raise NotImplementedError

    def call(
        self,
        method: str,
        params: Any,
        timeout: float | None,
        on_event: Any,
        idempotent: bool,
        priority: int,
    ) -> Any:
        """Make one call: wait for a place, have it sent, wait for its end."""
        channels = [process.channel for process in tuple(self.processes)]
        if channels and all(channel.full for channel in channels):
            channels[0].make_room(method, timeout)
        entry = self._entry(method, params, timeout, on_event, idempotent, priority)
        return self._go_through(entry, lambda: self.admit(entry))

    def _go_through(self, entry: ThreadEntry, admit: Callable[[], object]) -> Any:
        try:
            self.run(admit)
            call = self._outcome(entry)
            self.post(lambda: self._settle(entry, call))
        except BaseException:
            self._undo(lambda: self.drop(entry))
            raise
        return finish(call)

    def _undo(self, step: Callable[[], object]) -> None:
        """As :meth:`post`, however often it is interrupted: ``step`` may be taken several times."""
        while True:
            try:
                self.post(step)
                return
            except KeyboardInterrupt:  # the first one is on its way to the caller already
                continue

    def _outcome(self, entry: ThreadEntry) -> Any:
        while True:
            if not entry.settled:
                entry.turn()
            if entry.error is not None:
                raise entry.error
            call, worker = entry.call, entry.worker
            if call is None or worker is None:
                continue
            worker.handle.channel.finish(call, entry.on_event)
            if entry.call is call:
                return call

    def _settle(self, entry: ThreadEntry, call: Any) -> None:
        """Free the place of a call that has ended, once."""
        worker, entry.worker = entry.worker, None
        if worker is not None:
            worker.handle.entries.pop(entry, None)
            self.left(worker, call)

    def drop(self, entry: Entry) -> None:
        worker, call = entry.worker, entry.call
        if worker is not None and call is not None:  # "done" may mean that an event has come
            worker.handle.channel.abandon(call)
        super().drop(entry)
        entry.worker = None

    def left(self, worker: Worker, call: PendingCall | None) -> None:
        if call is not None and self.given_up(worker.handle.channel, call):
            return
        if call is None or call.id is None:
            self.unused(worker)
        else:
            self.free(worker)

    def given_up(self, channel: Channel, call: PendingCall) -> bool:
        """Whether the backend has not ended ``call``: then its place is freed when it has."""
        session = channel.session
        with channel.lock:
            if call.id is None or call.id not in session.abandoned:
                return False
            step = once(lambda: self.free(channel.worker))
            session.afterwards[call.id] = lambda: channel.later(lambda: self.run(step))
            return True

    def _entry(
        self,
        method: str,
        params: Any = None,
        timeout: float | None = None,
        on_event: Any = None,
        idempotent: bool = False,
        priority: int = 0,
        sends: bool = True,
    ) -> ThreadEntry:
        entry = ThreadEntry(
            method,
            params,
            _now(),
            timeout,
            on_event=on_event,
            idempotent=idempotent,
            priority=priority,
            sends=sends,
        )
        entry.done, entry.waiter = False, None
        return entry

    def ask(self, method: str, params: Any, timeout: float | None, on_event: Any) -> Any:
        """Ask on the control lane of the first worker, which answers whatever it has to do."""
        for process in tuple(self.processes):
            if process.session.state == "ready":
                channel = process.channel
                call = channel.submit(method, params, timeout, on_event)
                try:
                    channel.finish(call, on_event)
                except BaseException:
                    channel.tidy(None, call)
                    raise
                return finish(call)
        return self.call(method, params, timeout, on_event, False, 0)

    def place(self, method: str, timeout: float | None, taken: list[SharedPlace]) -> SharedPlace:
        """Wait for a place at a worker, for what makes its calls there by itself.

        It is in ``taken``, to be left, even if an interrupt keeps this from returning it.
        """
        entry = self._entry(method, None, timeout, sends=False)
        try:
            self.run(lambda: self.admit(entry))
            while True:
                entry.turn()
                if entry.error is not None:
                    raise entry.error
                place = self.run(lambda: self._take_place(entry, taken))
                if place is not None:
                    return place
        except BaseException:
            self._undo(lambda: self._give_back(entry, taken))
            raise

    def _give_back(self, entry: ThreadEntry, taken: list[SharedPlace]) -> None:
        """Nobody wants the place any more, which may have been taken since."""
        self.drop(entry)
        for place in tuple(taken):
            place.leave(unused=True)

    def _take_place(self, entry: ThreadEntry, taken: list[SharedPlace]) -> SharedPlace | None:
        worker, entry.worker = entry.worker, None
        if worker is None:  # it died just now: the entry waits again
            return None
        worker.handle.entries.pop(entry, None)
        place = SharedPlace(self, worker, entry.method)
        taken.append(place)
        return place
