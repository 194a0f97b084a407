"""The half of a session that hears the backend: bytes into outcomes, items, events, requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridgekit.errors import FrameTooLarge, ProtocolError
from bridgekit.host.collecting import CollectedCall
from bridgekit.host.hooks import Hooks
from bridgekit.host.outcomes import error_of
from bridgekit.host.pending import PendingCall, StreamCall
from bridgekit.wire.bursts import PORTION, Burst, Run, portions
from bridgekit.wire.calls import CallTable
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Event, Failure, Malformed, Message, Request, Response
from bridgekit.wire.quick_host import host_receiver

__all__ = ["Receiver"]

_GARBAGE = 1024
"""Bytes of printed text that are kept for the error of a failed start."""


class Receiver:
    """Reads what a backend says; :class:`~bridgekit.host.session.Session` is the whole.

    ``abandoned`` are the calls that were given up and that the backend has not ended: their
    method and until when it may take, by id. ``afterwards`` is called for each that ends.
    """

    def __init__(
        self, name: str, hooks: Hooks, connection: Connection, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.hooks = hooks
        self.connection = connection
        self.table = CallTable()
        self.outgoing: list[bytes] = []
        self.completed = 0
        self.failed = 0
        self.malformed = 0
        self.garbage = b""
        self._clock = clock
        self.abandoned = self._abandoned = dict[Any, tuple[str, float]]()
        self.afterwards: dict[Any, Callable[[], None]] = {}
        self._carried = 0
        self._bursts = False
        self._pending: dict[Any, PendingCall] = self.table.pending
        self._receive_data = connection.receive_data
        self._on_event = hooks.event
        self._on_burst = hooks.burst
        self._receive_quickly = host_receiver(connection)

    def consumed(self, call: StreamCall) -> None:
        """Acknowledge what was consumed of ``call``."""
        raise NotImplementedError

    def _abandon(self, call: PendingCall, now: float) -> bytes:
        raise NotImplementedError

    def _greeted(self, message: Any) -> bool:
        """Whether an unclaimed outcome belonged to the greeting."""
        raise NotImplementedError

    def receive(self, data: bytes) -> None:
        """Take what arrived: settle calls, hand out events. Never raises on the peer's bytes."""
        if self._bursts and len(data) > PORTION:
            self._bursts = False  # a portion may be as large, and is then taken whole
            for portion in portions(data):
                self.receive(portion)
            return
        quick = self._receive_quickly(data)
        if quick is None:
            self._receive_slowly(data)
            return
        self._bursts = quick.__class__ is Burst
        self._carried += len(data)
        if not quick:
            return
        cost = self._carried // (quick.frames if quick.__class__ is Burst else len(quick))
        self._carried = 0
        pending, on_event = self._pending, self._on_event
        for item in quick:
            if item.__class__ is tuple:
                try:
                    call = pending.pop(item[0])
                except (KeyError, TypeError):
                    self._unclaimed(Response(*item))
                else:
                    self.completed += 1
                    call.settle(item[1])
            elif item.__class__ is Run:
                self._burst(item, cost)
            elif item.call is None:
                on_event(item, cost)
            else:
                self._call_event(item, cost)

    def _receive_slowly(self, data: bytes) -> None:
        """As :meth:`receive`, for what is not plain results and events."""
        messages = self._receive_data(data)
        self._carried += len(data)
        if not messages:
            return
        cost = self._carried // len(messages)
        self._carried = 0
        pending = self._pending
        for message in messages:
            kind = type(message)
            if kind is Response:
                try:
                    call = pending.pop(message.id)  # type: ignore[union-attr]
                except (KeyError, TypeError):
                    self._unclaimed(message)
                else:
                    self.completed += 1
                    call.settle(message.result)  # type: ignore[union-attr]
            elif kind is Event:
                if message.call is None:  # type: ignore[union-attr]
                    self.hooks.event(message, cost)  # type: ignore[arg-type]
                else:
                    self._call_event(message, cost)  # type: ignore[arg-type]
            else:
                self._other(message)

    def receive_eof(self) -> None:
        """The backend closed its wire; what it had begun to say is no message."""
        for message in self.connection.receive_eof():
            self._other(message)

    def _other(self, message: Message) -> None:
        if isinstance(message, Failure):
            call = self._take(message.id)
            if call is None:
                self._unclaimed(message)
            else:
                self.failed += 1
                call.fail(error_of(message, call.method, call.id, self.name))
        elif isinstance(message, Request):
            self.hooks.request(message)
        elif isinstance(message, Malformed):
            self._malformed(message)

    def _take(self, call_id: Any) -> PendingCall | None:
        try:
            return self._pending.pop(call_id, None)
        except TypeError:  # an id that can be no key
            return None

    def _call_event(self, event: Event, cost: int) -> None:
        """An event of one call: a stream's item, or its progress, log and output."""
        try:
            call = self._pending.get(event.call)
        except TypeError:
            call = None
        if event.topic == "$/item":
            if isinstance(call, StreamCall) and type(call) is not CollectedCall:
                self._item(call, event)
            elif call is not None:
                self._collect(call, event, cost)
            return
        if call is not None and call.on_event is not None:
            call.on_event(event)
        self.hooks.event(event, cost)

    def _burst(self, events: Run, cost: int) -> None:
        """Events of the author's."""
        if self.hears(events.call):
            for event in events:
                self._call_event(event, cost)
        else:
            self._on_burst(events, cost)

    def hears(self, call_id: Any) -> bool:
        """Whether the call ``call_id`` is in flight and listens to its own events."""
        if call_id is None:
            return False
        try:
            call = self._pending.get(call_id)
        except TypeError:  # an id that can be no key
            return False
        return call is not None and call.on_event is not None

    def _item(self, call: StreamCall, event: Event) -> None:
        try:
            call.add(event.data)
        except ProtocolError as error:
            self._pending.pop(call.id, None)
            self.failed += 1
            self.outgoing.append(self._abandon(call, self._clock()))
            call.fail(error)

    def _collect(self, call: PendingCall, event: Event, cost: int) -> None:
        """An item of a call whose caller waits for the whole result."""
        if type(call) is not CollectedCall:
            call = self._pending[call.id] = CollectedCall(call, self.connection.max_frame)
        try:
            call.add(event.data, cost)
        except ProtocolError as error:
            self._pending.pop(call.id, None)
            self.failed += 1
            self.outgoing.append(self._abandon(call, self._clock()))
            call.fail(error)
        else:
            self.consumed(call)

    def _malformed(self, message: Malformed) -> None:
        error = message.error
        call = self._take(message.id) if message.id is not None else None
        if call is not None:
            self.failed += 1
            call.fail(error)
            return
        self.malformed += 1
        data: bytes = getattr(error, "data", b"")
        if data and not isinstance(error, FrameTooLarge) and not data.lstrip().startswith(b"{"):
            if len(self.garbage) < _GARBAGE:
                self.garbage += data[:_GARBAGE]
            text = data.decode("utf-8", "replace")
            self.hooks.event(Event("$/output", {"stream": "stdout", "text": text}), len(data))
            return
        self.hooks.malformed(error)

    def _unclaimed(self, message: Any) -> None:
        """An outcome that belongs to no call in flight: the ready frame, or a late one."""
        if self._greeted(message):
            return
        self.table.late += 1
        try:
            self._ended_after_all(message.id)
        except TypeError:  # an id that can be no key
            return

    def _ended_after_all(self, call_id: Any) -> None:
        """The backend has ended a call that was given up. May be torn, and taken again."""
        self._abandoned.pop(call_id, None)
        afterwards = self.afterwards.get(call_id)
        if afterwards is not None:
            afterwards()
            self.afterwards.pop(call_id, None)
