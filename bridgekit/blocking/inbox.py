"""What was read from a wire and is being handed out, so that Ctrl-C cannot tear it.

A KeyboardInterrupt rises between any two bytecodes of the main thread, also in the middle of
reading a chunk or settling a call. Two things keep the wire whole. A chunk goes from the system
call into the inbox without a bytecode in between (``deque.extend(map(os.read, ...))`` runs in
C). And handing out is resumable: what was interrupted is kept, and the next thread, or the same
one while the interrupt passes, goes on where it stopped.
"""

from __future__ import annotations

import threading
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from bridgekit.blocking import pipes
from bridgekit.blocking.knocker import Knocker
from bridgekit.host.outcomes import error_of
from bridgekit.host.session import Session
from bridgekit.wire.bursts import Burst, Run
from bridgekit.wire.codec.json import _long_number
from bridgekit.wire.framing._delimited import Delimited
from bridgekit.wire.messages import Event, Failure, Request, Response
from bridgekit.wire.quick import EXACT

__all__ = ["CHUNK", "Inbox", "Torn"]

CHUNK = 65536
"""Bytes read at a time; larger buffers cross malloc's mmap threshold and fault on each read."""

_read = pipes.read


class Torn(Exception):
    """A chunk was interrupted while it was being cut into frames, and cannot be cut again."""


class Inbox:
    """The chunks of one wire on their way into its session.

    :meth:`read` may be called by one thread at a time, :meth:`deliver` with the channel's lock.
    """

    def __init__(self, session: Session, descriptor: int) -> None:
        self.session = session
        self.knocker = Knocker(descriptor)
        self.chunks: deque[bytes] = deque()
        self._extend = self.chunks.extend
        self._where = (descriptor,)
        self._size = (CHUNK,)
        self._quickly = session._receive_quickly
        self._receive = session.connection.receive_data
        self._pending = session.table.pending
        framing = session.connection.framing
        self._parts: Any = framing.parts if isinstance(framing, Delimited) else None
        # (chunk, its messages, an iterator over them, cost of each) while they are handed out.
        self._work: tuple[bytes, list[Any], Iterator[Any], int] | None = None
        self._cutting: Any = None
        self._main = threading.main_thread().ident
        self._settle_answer = _answerer(session)
        # Runs of the author's events in the chunk that is being handed out: they go on together.
        self._burst: list[Any] = []  # each a list of events or a Run

    def read(self) -> None:
        """Read once; raises BlockingIOError when there is nothing, OSError when it is closed."""
        self._extend(map(_read, self._where, self._size))

    def deliver(self) -> bool:
        """Hand out everything that was read; return False at the end of the stream.

        Raises :class:`Torn` when an interrupt has damaged the wire beyond repair.
        """
        chunks, session, knocker = self.chunks, self.session, self.knocker
        if self._work is not None or self._cutting is not None:
            self._resume()
        while chunks:
            if (knocker.owed or knocker.held) and not knocker.sift(chunks):
                continue
            chunk = chunks[0]
            if not chunk:
                return False
            if get_ident() != self._main and self._settle_answer(chunk):  # nothing interrupts it
                chunks.popleft()
                continue
            self._cutting = self._parts is not None and not self._parts.size
            messages = self._quickly(chunk)
            if messages is None:
                messages = self._receive(chunk)
            count = messages.frames if isinstance(messages, Burst) else len(messages)
            session._carried += len(chunk)
            cost = session._carried // count if count else 0
            if count:
                session._carried = 0
            self._work = (chunk, messages, iter(messages), cost)
            self._cutting = None
            self._hand_out(self._work[2], cost)
            self._finish(chunk)
        return True

    @property
    def idle(self) -> bool:
        """Whether nothing is half done: the next chunk starts with a frame."""
        return (
            self._work is None
            and self._cutting is None
            and not self.chunks
            and self._parts is not None
            and not self._parts.size
        )

    def _finish(self, chunk: bytes) -> None:
        if self.chunks and self.chunks[0] is chunk:
            self.chunks.popleft()
        self._work = None

    def _hand_out(self, messages: Iterator[Any], cost: int) -> None:
        """As :meth:`Session.receive`, but a call leaves the table after it was settled."""
        session, pending = self.session, self._pending
        burst = self._burst
        topic: Any = None
        caller: Any = None
        for message in messages:
            kind = type(message)
            if kind is tuple:
                call_id, result = message
            elif kind is Event:
                if message.topic == topic and message.call == caller:
                    burst[-1].append(message)  # as the one before it
                elif self._begin(message, cost):
                    topic, caller = message.topic, message.call
                continue
            elif kind is Run:
                topic = None
                self._put(message, cost)
                continue
            elif kind is Response:
                call_id, result = message.id, message.result
            elif kind is Failure:
                self._fail(message)
                continue
            else:
                session._other(message)
                continue
            try:
                call = pending[call_id]
            except (KeyError, TypeError):
                session._unclaimed(message if kind is Response else Response(call_id, result))
            else:
                call.settle(result)
                pending.pop(call_id, None)
                session.completed += 1
        if burst:
            self._go_on(cost)

    def _go_on(self, cost: int) -> None:
        # The runs are given away in one step; what an interrupt tears then is lost, not twice.
        burst, self._burst = self._burst, []
        for run in burst:
            self.session._on_burst(run, cost)

    def _begin(self, event: Event, cost: int) -> bool:
        """Begin a run with ``event``, unless it is bridgekit's own or a caller's."""
        if event.topic[:1] == "$" or self.session.hears(event.call):
            if event.call is None:
                self.session._on_event(event, cost)
            else:
                self.session._call_event(event, cost)
            return False
        self._burst.append([event])
        return True

    def _put(self, run: Run, cost: int) -> None:
        if self.session.hears(run.call):
            self.session._burst(run, cost)
        else:
            self._burst.append(run)

    def _fail(self, message: Failure) -> None:
        session = self.session
        try:
            call = self._pending.get(message.id)
        except TypeError:  # an id that can be no key
            call = None
        if call is None:
            session._unclaimed(message)
            return
        call.fail(error_of(message, call.method, call.id, session.name))
        self._pending.pop(message.id, None)
        session.failed += 1

    def _resume(self) -> None:
        """Go on where an interrupt stopped another :meth:`deliver`."""
        cutting, self._cutting = self._cutting, None
        if cutting is False:
            raise Torn
        if cutting:
            self._parts.clear()  # it is cut again, from its beginning
        work = self._work
        if work is None:
            return
        chunk, messages, rest, cost = work
        if self.chunks and self.chunks[0] is chunk:
            at = len(messages) - rest.__length_hint__() - 1  # type: ignore[attr-defined]
            if at >= 0:
                self._again(messages[at], cost)
            self._hand_out(rest, cost)
        self._finish(chunk)

    def _again(self, message: Any, cost: int) -> None:
        """Handle a message that may have been handled already, or half."""
        if isinstance(message, tuple | Response | Failure):
            # A call leaves the table last; one that has left it was settled.
            call_id = message[0] if isinstance(message, tuple) else message.id
            if call_id in self._pending:
                self._hand_out(iter((message,)), cost)
            else:
                self.session._ended_after_all(call_id)
        elif isinstance(message, Event):
            if message.topic == "$/item":
                self.session._call_event(message, cost)  # knows an item it has taken
            elif not self._burst or not _is_last(message, self._burst[-1]):
                self._hand_out(iter((message,)), cost)
        elif isinstance(message, Run):
            if not self._burst or self._burst[-1] is not message:
                self._hand_out(iter((message,)), cost)
        elif isinstance(message, Request) and not self.session.hooks.knows(message):  # type: ignore[attr-defined]
            self.session.hooks.request(message)


def _answerer(session: Session) -> Callable[[bytes], bool]:
    """Return what settles the call whose success is all that a chunk says, or returns False.

    As a lone caller does for itself (:mod:`bridgekit.blocking.lone`): it declines what is unusual.
    """
    connection = session.connection
    loads = connection.codec._loads if connection.format == "native" else None
    if loads is None:
        return lambda chunk: False
    parts, pending, small = (
        connection.framing.parts,
        session.table.pending,
        2 * connection.max_depth,
    )

    def settle(chunk: bytes) -> bool:
        end = len(chunk) - 1
        if chunk[end] or not 0 < end < small or parts.size:
            return False
        try:
            value = loads(chunk[:end])
            call_id, result = value["id"], value["result"]
            if value["status"] != "success" or call_id.__class__ is not int:
                return False
            if result.__class__ not in EXACT and _long_number(chunk):
                return False
            call = pending[call_id]
        except Exception:  # the ordinary way understands it
            return False
        session._carried = 0
        call.settle(result)
        pending.pop(call_id, None)
        session.completed += 1
        return True

    return settle


def _is_last(event: Event, run: list[Event] | Run) -> bool:
    return isinstance(run, list) and run[-1] is event
