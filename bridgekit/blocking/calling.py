"""The path of calls that have to ask the policy for a place, from the threads that make them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bridgekit.blocking.calls import Call, EventfulCall, finish
from bridgekit.blocking.entries import SharedPlace, ThreadEntry, once
from bridgekit.errors import CallTimeout
from bridgekit.host.driving import Driver
from bridgekit.host.places import Place

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.hub import SharedHub
    from bridgekit.blocking.lane import Lane
    from bridgekit.host.entries import Entry
    from bridgekit.host.pending import PendingCall
    from bridgekit.policy.pooling import Worker

__all__ = ["Calling"]

T = TypeVar("T")

_now = time.monotonic


class Calling(Driver):
    """The calling half of :class:`~bridgekit.blocking.driving.BlockingDriver`."""

    hub: SharedHub
    lane: Lane

    def run(self, step: Callable[[], T]) -> T:
        """Take ``step`` with the policy to itself; return or raise what it does."""
        raise NotImplementedError

    def post(self, step: Callable[[], object]) -> None:
        """Have ``step`` taken before any later one of this thread."""
        raise NotImplementedError

    def reopen(self) -> None:
        """After a step: let lone callers in again, where they may come."""
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
        if on_event is None and not idempotent and not self.hub.is_main():
            return self._call_unbroken(method, params, timeout, priority)
        entry = self._entry(method, params, timeout, on_event, idempotent, priority)
        for process in tuple(self.processes):
            if not process.channel.full:
                break
        else:
            for process in tuple(self.processes)[:1]:
                process.channel.make_room(method, timeout)
        try:
            self.run(partial(self._admit, entry))
            call = self._outcome(entry)
            self.post(partial(self._settle, entry, call))
        except BaseException:
            while True:
                try:
                    self.post(lambda: self.drop(entry))
                    break
                except KeyboardInterrupt:  # the first one is on its way to the caller already
                    continue
            raise
        return finish(call)

    def _call_unbroken(self, method: str, params: Any, timeout: float | None, priority: int) -> Any:
        """As :meth:`call`, in a thread in which no interrupt rises: less has to be remembered."""
        call = Call(method, params, timeout, math.inf if timeout is None else _now() + timeout)
        worker, entry = self._enter(call, priority)
        if worker is not None:
            channel: Channel = worker.handle.channel
            try:
                if channel.full:
                    channel.make_room(method, timeout)
                channel.perform(call)
                if not call.done:
                    channel.finish(call)
            except BaseException as error:
                unsent = call.id is None and channel.session.refuses
                if not unsent or isinstance(error, CallTimeout) or not isinstance(error, Exception):
                    channel.abandon(call)
                    self.post(partial(self.left, worker, call))
                    raise
                entry = self._entry_of(call, priority)
                entry.worker = worker
        if entry is not None:
            try:
                if worker is not None:
                    self.run(partial(self._bounce, entry))
                call = self._outcome(entry)
            except BaseException:
                self.post(partial(self.drop, entry))
                raise
            worker, entry.worker = entry.worker, None
        if worker is not None:
            self.hub.post(partial(self._exit, worker, call))
        return finish(call)

    def _enter(self, call: Call, priority: int) -> tuple[Worker, None] | tuple[None, ThreadEntry]:
        """Take a place for ``call``, or let it wait for one; a whole step of the policy."""
        worker = entry = None
        with self.hub.lock:
            self.lane.shut()
            try:
                worker = self.pool.take(_now())
                if worker is not None:
                    self.after()
                    return worker, None
                entry = self._entry_of(call, priority)
                self.enqueue(entry)
                return None, entry
            except BaseException:  # a log handler of the author's, perhaps
                if worker is not None:
                    self.post(partial(self.unused, worker))
                elif entry is not None:
                    self.post(partial(self.drop, entry))
                raise
            finally:
                if self.pool.rested is not None:
                    self.reopen()

    def _exit(self, worker: Worker, call: Call) -> None:
        """``call`` has ended, which makes room at ``worker``; a whole step of the policy."""
        process = worker.handle
        if self.samples or call.id in process.session.abandoned:
            self.post(partial(self.left, worker, call))
        elif process.ended_at is None:
            self.lane.shut()
            try:
                follow = self.pool.done(worker, _now())
                if follow is not None:
                    self.send(worker, follow.call)
                self.after()
            finally:
                if self.pool.rested is not None:
                    self.reopen()

    def _admit(self, entry: ThreadEntry) -> None:
        """As :meth:`admit`, but the caller sends by itself what need not wait, with no lock held."""
        if entry.idempotent:
            self.admit(entry)
            return
        worker = self.pool.take(_now())
        if worker is None:
            self.enqueue(entry)
            return
        entry.worker = worker
        entry.granted = True
        self.after()

    def _outcome(self, entry: ThreadEntry) -> Any:
        while True:
            if entry.granted:
                entry.granted = False
                self._transmit(entry)
            elif not entry.settled:
                entry.turn()
            if entry.error is not None:
                raise entry.take_error()
            call, worker = entry.call, entry.worker
            if call is None or worker is None:
                continue
            worker.handle.channel.finish(call, entry.on_event)
            if entry.call is call:
                return call

    def _transmit(self, entry: ThreadEntry) -> None:
        """Send ``entry`` to the worker whose place it has, and wait for its end."""
        worker = entry.worker
        assert worker is not None
        channel: Channel = worker.handle.channel
        kind = Call if entry.on_event is None else EventfulCall
        call = entry.call = kind(entry.method, entry.params, entry.timeout, entry.deadline)
        try:
            channel.perform(call)
        except Exception:
            if call.id is not None or not channel.session.refuses:
                raise
            entry.call = None  # it was never sent
            self.run(partial(self._bounce, entry))

    def _bounce(self, entry: ThreadEntry) -> None:
        worker, entry.worker = entry.worker, None
        assert worker is not None
        self.supervisor.bounced(worker, entry, _now())
        self.after()

    def _settle(self, entry: ThreadEntry, call: Any) -> None:
        """Free the place of a call that has ended, once."""
        worker, entry.worker = entry.worker, None
        if worker is not None:
            if entry.idempotent:
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
        if call.id is None or call.id not in session.abandoned:
            return False
        with channel.lock:
            if call.id not in session.abandoned:
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
        entry.done = entry.granted = False
        entry.waiter = None
        return entry

    def _entry_of(self, call: Call, priority: int) -> ThreadEntry:
        """An entry in the place of ``call``, which was not sent; its time runs on."""
        entry = self._entry(call.method, call.params, call.timeout, priority=priority)
        entry.deadline = call.deadline
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
                    while True:
                        try:
                            channel.tidy(None, call)
                            break
                        except KeyboardInterrupt:  # before it had begun
                            continue
                    raise
                return finish(call)
        return self.call(method, params, timeout, on_event, False, 0)

    def place(self, method: str, timeout: float | None, taken: list[Place]) -> SharedPlace:
        """Wait for a place at a worker, for what makes its calls there by itself.

        It is in ``taken``, to be left, even if an interrupt keeps this from returning it.
        """
        entry = self._entry(method, None, timeout, sends=False)
        try:
            self.run(lambda: self.admit(entry))
            while True:
                entry.turn()
                if entry.error is not None:
                    raise entry.take_error()
                place = self.run(lambda: self._take_place(entry, taken))
                if place is not None:
                    return place
        except BaseException:
            while True:
                try:
                    self.post(lambda: self._give_back(entry, taken))
                    break
                except KeyboardInterrupt:  # the first one is on its way to the caller already
                    continue
            raise

    def _give_back(self, entry: ThreadEntry, taken: list[Place]) -> None:
        """Nobody wants the place any more, which may have been taken since."""
        self.drop(entry)
        for place in tuple(taken):
            place.leave(unused=True)

    def _take_place(self, entry: ThreadEntry, taken: list[Place]) -> SharedPlace | None:
        worker, entry.worker = entry.worker, None
        if worker is None:  # it died just now: the entry waits again
            return None
        worker.handle.entries.pop(entry, None)
        place = SharedPlace(self, worker, entry.method)
        taken.append(place)
        return place
