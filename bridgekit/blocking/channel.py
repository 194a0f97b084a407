"""One child's wire under threads: a caller writes its request itself and waits for its answer.

Reading is shared (:mod:`bridgekit.blocking.reading`). Nothing here crosses a thread for a lone
caller. What a KeyboardInterrupt may tear, :meth:`Channel._leave` repairs: the wire stays whole,
somebody leads, and the interrupted call is cancelled in the backend.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from bridgekit.blocking import pipes
from bridgekit.blocking.attending import Attending
from bridgekit.blocking.calls import Call, EventfulCall, LoneCall, release
from bridgekit.blocking.inbox import Torn
from bridgekit.blocking.raising import raised_by_handler
from bridgekit.blocking.reading import ENDED, POLICY
from bridgekit.errors import CallTimeout
from bridgekit.wire.messages import Cancel

__all__ = ["ATOMIC", "Channel"]

ATOMIC = 4096
"""A pipe takes that many bytes at once or none (PIPE_BUF)."""
_HIGH_WATER = 1024 * 1024
"""Unwritten bytes above which new calls wait."""

_write = pipes.write
_monotonic = time.monotonic


class _Room:
    """Somebody who waits until the outbox is empty."""

    done = False
    waiter: Any = None


class Channel(Attending):
    """The pipes of one child and the calls of any number of threads.

    ``worker`` is the policy's name for the process. ``left`` is called, with no lock held, when
    a lone call has ended that the policy has to know of, and the gate is shut until it does;
    ``alone`` and ``alone_slowly`` count those that it need not. ``guest`` led when the policy
    shut the gate last.
    """

    worker: Any = None
    alone = alone_slowly = counted = 0
    last_done = -math.inf
    guest: Any = None
    left: Callable[[Channel, Any], None]

    # -- calls -----------------------------------------------------------------------------------

    def call_alone(self, call: LoneCall) -> bool:
        """Make ``call`` if nobody else has one here; return whether that was so."""
        inside = False
        try:
            if self.lead.setdefault(0, call) is not call:
                return False
            if self.gate:
                self.decline(call)
                return False
            inside = True
            with self.lock:
                if self.watched:
                    self._unwatch()
                self._send(self.session.open(call), leads=True)
                call.sent = True
            self._read_for_all(call, call.deadline, call.deadline - _monotonic())
            self.last_done = _monotonic()
            self.leave_alone(call)
        except BaseException:
            while True:
                try:
                    self.withdraw(call, inside)
                    break
                except KeyboardInterrupt:  # before it had begun
                    continue
            raise
        return True

    def leave_alone(self, call: LoneCall) -> None:
        """A lone call has ended the long way."""
        if self.gate or call.id in self.session._abandoned:
            self._owe(call)
        else:
            with self.lock:  # another one may count itself at the same moment
                call.counted = True
                self.alone_slowly += 1
        call.over = True

    def decline(self, call: LoneCall) -> None:
        """``call`` took the lead and found the gate shut: it goes the long way."""
        call.id = None  # that of an earlier call, if any
        with self.lock:
            if self.lead.get(0) is call:
                self.pass_on()
            welcomed = self.guest is call
        if welcomed:
            self.left(self, call)

    def _owe(self, call: LoneCall) -> None:
        """The policy has to hear of ``call`` before another lone caller comes."""
        self.shut(call)
        self.left(self, call)

    def withdraw(self, call: LoneCall, inside: bool) -> None:
        """As :meth:`tidy` for a lone call; ``inside``: the gate was open for it."""
        while not call.over:
            try:
                self._leave(call, call)
                if inside:
                    self._owe(call)
                else:
                    self.decline(call)
                return
            except KeyboardInterrupt:  # the first one is on its way to the caller already
                continue

    def shut(self, why: Any) -> Any:
        """Let in no more lone callers; return who leads, perhaps one of them."""
        with self.lock:
            self.gate.append(why)
            self.calm = False
            leader = self.lead.get(0)
            if why is POLICY:
                self.guest = leader
            return leader

    def tidy(self, awaited: Any, call: Any) -> None:
        """Put everything right after a wait that was torn off, however often it is interrupted.

        Call it in a loop of your own all the same: an interrupt may come before it has begun.
        """
        while True:
            try:
                self._leave(awaited, call)
                return
            except KeyboardInterrupt:  # the first one is on its way to the caller already
                continue

    def submit(self, method: str, params: Any, seconds: float | None, on_event: Any) -> Call:
        """Open a call and write its request, as far as the pipe takes it; :meth:`finish` it."""
        deadline = math.inf if seconds is None else _monotonic() + seconds
        kind = Call if on_event is None else EventfulCall
        call = kind(method, params, seconds, deadline)
        with self.lock:
            self._send(self.session.open(call))
            call.sent = True
        return call

    def perform(self, call: Call) -> None:
        """Open ``call``, write its request and begin to wait for it; :meth:`finish` it.

        Raises, with nothing written, what :meth:`Session.open` raises.
        """
        deadline = call.deadline
        try:
            with self.lock:
                data = self.session.open(call)
                leads = self._lead_or_enlist(call)
                if len(data) > ATOMIC or self.outbox.size:
                    self._send(data, leads)
                    call.sent = True
                else:
                    self.outbox.free.add(call)
            if not call.sent:
                self._send_freely(call, data, leads)
            if leads:
                self._read_for_all(call, deadline, deadline - _monotonic())
            else:
                self._follow(call, deadline)
        except BaseException:
            while True:
                try:
                    self.outbox.free.discard(call)  # others may wait for that with the lock
                    self.tidy(call, call)
                    break
                except KeyboardInterrupt:  # before it had begun
                    continue
            raise

    def finish(self, call: Call, on_event: Any = None) -> None:
        """Wait until ``call`` has ended; its events are handled here, in its caller's thread."""
        if not isinstance(call, EventfulCall):
            while not call.done:
                self.wait(call, call.deadline)
            return
        while not call.ended or call.events:
            self.wait(call, call.deadline)
            call.done = call.ended
            while call.events:
                on_event(call.events.popleft())

    def make_room(self, method: str, seconds: float | None) -> None:
        """Wait until the backend has read most of what was written; CallTimeout if it does not."""
        if self.outbox.size > _HIGH_WATER:
            self._wait_for_room(method, seconds)

    @property
    def full(self) -> bool:
        """Whether a new call has to wait until the backend has read more."""
        return self.outbox.size > _HIGH_WATER

    def start(self, call: Any, encode: Callable[[], bytes] | None = None) -> int:
        """Open ``call`` and write its request; return the request's size. Wait for it yourself."""
        self.make_room(call.method, call.timeout)
        with self.lock:
            data = self.session.open(call) if encode is None else encode()
            self._send(data)
            call.sent = True
        return len(data)

    def give_up(self, call: Any, awaited: Any = None) -> None:
        """The caller no longer waits (for ``awaited``): forget the call and tell the backend."""
        self._leave(awaited, call)

    def abandon(self, call: Any) -> None:
        """As :meth:`give_up`."""
        self._leave(None, call)

    def acknowledge(self, call: Any) -> None:
        """Tell the backend what was consumed of a stream (lock held)."""
        self.session.consumed(call)
        self._send_outgoing()

    def later(self, callback: Callable[[], None]) -> None:
        """Have the janitor call ``callback``; safe at any moment of any thread."""
        self._janitor.soon(callback)

    def send(self, make: Callable[[], object]) -> None:
        """Run ``make`` with the session to itself, then write what it left in ``outgoing``."""
        with self.lock:
            make()
            self._send_outgoing()

    def close_stdin(self) -> None:
        """End of file towards the child."""
        with self.lock:
            self.calm = False
            self._janitor.unwatch(self.stdin)
            self.stdin = -1
            self.outbox.close()
            pipes.close_stdin(self.child)

    def send_lonely(self, data: bytes) -> None:
        """Write a lone caller's request in whatever state the channel is."""
        call, self.outbox.lone = self.outbox.lone, None
        with self.lock:
            if self.watched:
                self._unwatch()
            if self.session._refusal is not None:
                self.outbox.lone = call  # it was not sent
                raise self.session._refusal()
            self._send(data, leads=True)
            self.have_ticks()  # now, while nothing but the backend's work is waited for

    def refuse(self, make_error: Callable[[], Exception]) -> None:
        """Open no more calls; those in flight go on."""
        with self.lock:
            self.calm = False
            self.session.refuse(make_error)

    def hang_bell(self) -> None:
        """From now on ``bell`` wakes who leads."""
        with self.lock:
            if self.bell.reader < 0 and self.lead.get(0) is not ENDED:
                self.bell.hang()
                self._poller.register(self.bell.reader, pipes.IN)
                self._poll_both = None

    # -- writing (lock held) -----------------------------------------------------------------------

    def _send(self, data: bytes, leads: bool = False) -> None:
        """Write ``data`` now or as soon as the pipe takes it; ``leads``: the caller leads."""
        outbox = self.outbox
        if len(data) <= ATOMIC and not outbox.size:
            try:
                _write(self.stdin, data)
                return
            except OSError as error:
                if raised_by_handler(error):
                    raise
        self.calm = False
        outbox.put(data)
        if outbox.size and self.lead and not leads:
            # Whoever leads may sleep without an eye on stdin.
            self._janitor.want_write(self.stdin, self._on_writable)
        elif outbox.broken:
            self._janitor.soon(self._lost)

    def _send_freely(self, call: Call, data: bytes, leads: bool) -> None:
        """Write a small request without the lock, for which all others would come to wait.

        A write lets other threads run. What has to wait until it is done: ``outbox.free``.
        """
        try:
            _write(self.stdin, data)
        except OSError as error:
            if raised_by_handler(error):
                raise
            self.outbox.free.discard(call)
            with self.lock:
                self._send(data, leads)
                call.sent = True
        else:
            call.sent = True
            self.outbox.free.discard(call)

    def _send_outgoing(self) -> None:
        outgoing = self.session.outgoing
        if outgoing:
            count = len(outgoing)
            self._send(b"".join(outgoing))
            del outgoing[:count]  # last: an interrupt may have it sent twice, but not lost

    def _expire(self) -> None:
        self.outbox.let_finish()
        self.session.expire(_monotonic())
        self._send_outgoing()
        self._arm()

    def _arm(self) -> None:
        """Have the janitor look after calls that were given up and may not end."""
        if self.session._abandoned:
            self.tick()

    def tick(self) -> None:
        """Have the janitor look at the next deadline, whoever waits for it."""
        self._janitor.at(self.session.next_deadline, self._on_timer)

    def _on_timer(self) -> None:
        with self.lock:
            self._expire()

    # -- repairs -----------------------------------------------------------------------------------

    def _leave(self, awaited: Any, call: Any) -> None:
        """Put everything right after a wait that was torn off, and give ``call`` up."""
        while True:
            try:
                while self.lock._is_owned():  # type: ignore[attr-defined]
                    self.lock.release()
                with self.lock:
                    self._repair(awaited)
                    if call is not None:
                        self._cancel(call)
                return
            except KeyboardInterrupt:
                continue  # the first one is on its way to the caller already

    def _repair(self, awaited: Any) -> None:
        try:
            self.inbox.deliver()
        except Torn:
            self.child.kill()
        leader = self.lead.get(0)
        if leader is not None and leader in self.followers:  # chosen, but perhaps not woken
            release(leader)
            self.followers.pop(leader, None)
        if awaited is not None:
            self.followers.pop(awaited, None)
            awaited.waiter = None
            if self.outbox.lone is awaited:
                self.outbox.lone = None
        if leader is awaited or leader is None:
            self.pass_on()

    def _cancel(self, call: Any) -> None:
        session = self.session
        if call.sent:
            session.give_up(call)
        elif call.id in session.table.pending:
            # It may have been written or not: tell the backend, but expect nothing of it.
            if not session.plain:
                session.outgoing.append(session.connection.send(Cancel(call.id)))
            session.table.pending.pop(call.id, None)
        self._send_outgoing()
        self._arm()

    def _wait_for_room(self, method: str, seconds: float | None) -> None:
        room = _Room()
        with self.lock:
            if self.outbox.size <= _HIGH_WATER:
                return
            self.outbox.waiting.append(room)
        deadline = math.inf if seconds is None else _monotonic() + seconds
        if not self.wait(room, deadline):
            raise CallTimeout(
                f"{method!r} could not be sent to backend {self.session.name!r} within "
                f"{seconds:g} s: it reads nothing and its pipe is full",
                timeout=seconds,
                method=method,
                backend=self.session.name,
            )
