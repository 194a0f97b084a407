"""The host's end of one connection, without I/O: handshake, calls, deadlines, streams, events.

Give it the bytes that arrived (:meth:`Session.receive`) and write what it returns or leaves in
``outgoing``. It settles calls through the hooks of their own classes and tells everything else
to its :class:`Hooks`, so asyncio, trio and plain threads share it. Nothing in it locks; a face
with threads holds its own lock around every method.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from bridgekit.errors import CallTimeout, FrameTooLarge, ProtocolError, VersionMismatch
from bridgekit.host.handshake import (
    HELLO,
    PLAIN_AFTER,
    Peer,
    hello_params,
    read_hello,
    read_ready,
)
from bridgekit.host.hooks import Hooks
from bridgekit.host.instruments import carrying
from bridgekit.host.outcomes import error_of, failure_of
from bridgekit.host.pending import WINDOW, PendingCall, StreamCall
from bridgekit.host.receiving import Receiver
from bridgekit.wire.connection import MAX_FRAME, Connection
from bridgekit.wire.messages import Cancel, Failure, Request, Response
from bridgekit.wire.quick_host import host_parser, host_sender

__all__ = ["Hooks", "Session"]

_COARSE = 0.001
"""Seconds between two looks for overdue calls, so that many deadlines cost few looks."""

_inf = math.inf


class _Hello(PendingCall):
    """The host's own first call; its session looks at it instead of a waiter."""

    __slots__ = ("session",)

    def __init__(self, session: Session, max_frame: int) -> None:
        super().__init__(HELLO, hello_params(max_frame))
        self.session = session

    def settle(self, result: Any) -> None:
        self.session._on_hello(result)

    def fail(self, error: Exception) -> None:
        self.session._on_hello_error(error)


class Session(Receiver):
    """One connection's state. ``state`` is ``"starting"``, ``"ready"`` or ``"closed"``."""

    def __init__(
        self,
        name: str,
        hooks: Hooks,
        format_name: str = "native",
        *,
        cancel_grace: float = 2.0,
        hello: bool = True,
        max_frame: int = MAX_FRAME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        connection = Connection(format_name, "host", max_frame=max_frame)
        super().__init__(name, hooks, connection, clock)
        self.state = "starting"
        self.plain = True
        self.features: frozenset[str] = frozenset()
        self.peer = Peer()
        self.next_deadline = _inf
        self._cancel_grace = cancel_grace
        self._max_frame = max_frame
        self._wants_hello = hello
        self._hello: _Hello | None = None
        self._hello_id: Any = None
        self._refusal: Callable[[], Exception] | None = None
        self._send_request = carrying(self, host_sender(connection))
        self._parse_answer = host_parser(connection)

    # -- the host's side -------------------------------------------------------------------

    def hello(self) -> bytes:
        """Return what to write right after the spawn, before the backend has said anything."""
        if not self._wants_hello:
            self.state = "ready"
            self.hooks.ready(None)
            return b""
        self._hello = _Hello(self, self._max_frame)
        data = self.open(self._hello)
        self._hello_id = self._hello.id
        return data

    def open(self, call: PendingCall) -> bytes:
        """Register ``call`` and return its request's bytes.

        Raises, with nothing registered, EncodeError for parameters that cannot be sent,
        FrameTooLarge, or what :meth:`fail_all` was given when the session is closed.
        """
        if self._refusal is not None:
            raise self._refusal()
        table = self.table
        table._last = call_id = table._last + 1
        timeout = None if self.plain else call.timeout
        data = self._send_request(call_id, call.method, call.params, timeout)
        call.id = call_id
        call.params = None
        self._pending[call_id] = call
        if call.deadline < self.next_deadline:
            self.next_deadline = call.deadline
        return data

    def adopt(self, call: PendingCall, call_id: int) -> None:
        """Register a call whose request was written already."""
        call.id = call_id
        self._pending[call_id] = call
        if call.deadline < self.next_deadline:
            self.next_deadline = call.deadline

    def open_batch(self, call: PendingCall, params: list[Any]) -> bytes:
        """Register ``call`` as a ``$/batch`` of its method over ``params``; as :meth:`open`."""
        if self._refusal is not None:
            raise self._refusal()
        call_id = self.table.next_id()
        self.table._last += len(params)
        batch = {"cmd": call.method, "first": call_id + 1, "params": params}
        data = self._send_request(call_id, "$/batch", batch, call.timeout)
        call.id = call_id
        self._pending[call_id] = call
        if call.deadline < self.next_deadline:
            self.next_deadline = call.deadline
        return data

    def cancel(self, call: PendingCall) -> bytes:
        """Forget a call whose caller gave up; return what tells the backend, if anything does.

        Neither of the call's hooks is called. Does nothing when the call has already ended.
        """
        if self._pending.pop(call.id, None) is None:
            return b""
        self.failed += 1
        return self._abandon(call, self._clock())

    def give_up(self, call: PendingCall) -> None:
        """As :meth:`cancel`, with what tells the backend in ``outgoing``; may be torn and redone."""
        if call.id in self._pending:
            self.outgoing.append(self._abandon(call, self._clock()))
            self._pending.pop(call.id, None)  # last: a thread that is interrupted begins again
            self.failed += 1

    def consumed(self, call: StreamCall) -> None:
        """Tell the backend, where it is worth a frame, that ``call``'s items were consumed.

        Call it after :meth:`StreamCall.take`, and before waiting for more.
        """
        if call.ended or not call.unacked or call.id not in self._pending:
            return
        if call.items and call.unacked < WINDOW // 2:
            return
        call.unacked = 0
        # The item last handed out is the newest minus those that still wait.
        ack = {"call": call.id, "seq": call.seq - len(call.items)}
        self.outgoing.append(self.connection.send(Request(None, "$/ack", ack)))

    def reply(self, request_id: Any, result: Any) -> None:
        """Answer a backend's call; a result that cannot be sent is answered with an error."""
        if request_id is None or self.state == "closed":
            return
        try:
            data = self.connection.send_result(request_id, result)
        except ProtocolError as error:
            self.reply_error(request_id, error)
        else:
            self.outgoing.append(data)

    def reply_error(self, request_id: Any, error: BaseException) -> None:
        """Answer a backend's call with the error that the host's function raised."""
        if request_id is None or self.state == "closed":
            return
        failure = failure_of(request_id, error)
        try:
            data = self.connection.send(failure)
        except ProtocolError:  # what the author attached cannot be sent
            failure.data = failure.code = None
            try:
                data = self.connection.send(failure)
            except FrameTooLarge:  # nor can what it has to say; each character may become 12 bytes
                failure.traceback = None
                failure.error = failure.error[: self.connection.most // 24]
                data = self.connection.send(failure)
        self.outgoing.append(data)

    def take_outgoing(self) -> bytes:
        """Return what must be written now and was not returned by a method."""
        data = b"".join(self.outgoing)
        self.outgoing.clear()
        return data

    def expire(self, now: float) -> float:
        """End overdue calls with CallTimeout; return when to call this again (inf: never)."""
        for call in [each for each in list(self._pending.values()) if each.deadline <= now]:
            if call.id not in self._pending:
                continue
            if call is self._hello:
                self._pending.pop(call.id, None)
                self._become_plain()
                continue
            timeout = self._timeout_error(call)
            cancel = self._abandon(call, now)
            if cancel:
                self.outgoing.append(cancel)
            call.fail(timeout)
            self._pending.pop(call.id, None)  # last, as in give_up()
            self.failed += 1
        soonest = min((call.deadline for call in list(self._pending.values())), default=_inf)
        for call_id, (method, deadline) in list(self._abandoned.items()):
            if deadline <= now:
                del self._abandoned[call_id]
                self.hooks.unresponsive(method, call_id)
            elif deadline < soonest:
                soonest = deadline
        self.next_deadline = max(soonest, now + _COARSE)
        return self.next_deadline

    def watch(self, call: PendingCall, deadline: float) -> None:
        """Give ``call`` a new deadline (streams: one for each item)."""
        call.deadline = deadline
        if deadline < self.next_deadline:
            self.next_deadline = deadline

    def refuse(self, make_error: Callable[[], Exception]) -> None:
        """Open no more calls; those in flight go on."""
        if self._refusal is None:
            self._refusal = make_error

    def fail_all(self, make_error: Callable[[], Exception]) -> None:
        """Close the session: every call in flight, and every later one, fails."""
        if self.state == "closed":
            return
        self.refuse(make_error)
        starting, self.state = self.state == "starting", "closed"
        self._abandoned.clear()
        self.afterwards.clear()
        self.outgoing.clear()
        self.next_deadline = _inf
        for call in self.table.take_all():
            if call is not self._hello:
                self.failed += 1
                call.fail(make_error())
        if starting:
            self.hooks.ready(make_error())

    def spare(self, call_id: Any, method: str) -> None:
        """Give a call that was given up its time to end once more: it could not run meanwhile."""
        if self.state != "closed":
            self._abandoned[call_id] = (method, self._clock() + self._cancel_grace)
            self.next_deadline = min(self.next_deadline, self._abandoned[call_id][1])

    def oldest_deadline(self) -> float:
        """The earliest deadline of the calls that have not ended, given up or not (inf: none)."""
        waiting = (call.deadline for call in list(self._pending.values()))
        given_up = (deadline for _, deadline in list(self._abandoned.values()))
        return min((*waiting, *given_up), default=_inf)

    @property
    def refuses(self) -> bool:
        """Whether it opens no more calls."""
        return self._refusal is not None

    @property
    def in_flight(self) -> int:
        """Calls that wait for their outcome."""
        return len(self._pending)

    @property
    def running(self) -> tuple[str, ...]:
        """The methods in flight, oldest first."""
        return tuple(call.method for call in list(self._pending.values()))

    @property
    def late(self) -> int:
        """Outcomes that came for nobody."""
        return self.table.late

    # -- greeting

    def _greeted(self, message: Any) -> bool:
        call_id = message.id
        if call_id == 0 and type(call_id) is int and self._hello is not None:
            self._on_ready(message)
            return True
        if call_id == self._hello_id and self.plain and isinstance(message, Response):
            self._on_hello(message.result)  # later than we waited, but better than never
            return True
        return False

    def _on_ready(self, message: Any) -> None:
        if isinstance(message, Failure):
            if self.state == "starting":
                self._refuse(error_of(message, "ready", 0, self.name))
            return
        self.peer = read_ready(message.result, self.peer)
        hello = self._hello
        if hello is not None and hello.id in self._pending:
            self.watch(hello, self._clock() + PLAIN_AFTER)

    def _on_hello(self, result: Any) -> None:
        try:
            peer = read_hello(result, self.peer)
        except VersionMismatch as error:
            self._refuse(error)
            return
        if peer is None:
            self._become_plain()
            return
        self.peer, self.plain, self.features = peer, False, peer.features
        self.connection.limit_sending(peer.max_frame)
        self._become_ready()

    def _on_hello_error(self, error: Exception) -> None:
        if getattr(error, "code", None) == "version_mismatch":
            self._refuse(VersionMismatch(f"the backend refused the handshake: {error}", ours=1))
        else:
            self._become_plain()

    def _become_plain(self) -> None:
        self.plain, self.features = True, frozenset()
        self._become_ready()

    def _become_ready(self) -> None:
        if self.state == "starting":
            self.state = "ready"
            self.completed = self.failed = 0  # the greeting is no call of the host's user
            self.hooks.ready(None)

    def _refuse(self, error: Exception) -> None:
        if self.state == "starting":
            self.fail_all(lambda: error)

    # -- given up

    def _abandon(self, call: PendingCall, now: float) -> bytes:
        """Remember a given-up call until the backend has ended it; return the cancel frame."""
        if self.plain or self.state == "closed":
            return b""
        deadline = now + self._cancel_grace
        self._abandoned[call.id] = (call.method, deadline)
        if deadline < self.next_deadline:
            self.next_deadline = deadline
        return self.connection.send(Cancel(call.id))

    def _timeout_error(self, call: PendingCall) -> CallTimeout:
        seconds = call.timeout
        what = f"{call.method!r} of backend {self.name!r} did not answer"
        if isinstance(call, StreamCall):
            seconds = call.item_timeout if call.timeout is None else call.timeout
            what = f"the stream {call.method!r} of backend {self.name!r} did not go on"
        span = "in time" if seconds is None else f"within {seconds:g} s"
        return CallTimeout(
            f"{what} {span}",
            timeout=seconds,
            method=call.method,
            call_id=call.id,
            backend=self.name,
        )
