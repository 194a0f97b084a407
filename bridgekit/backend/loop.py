"""The backend's main loop: read, run, answer, on the main thread.

Plain methods run here one after the other, in order of arrival. While one runs, a helper thread
(:mod:`bridgekit.backend.helper`) takes over reading once it has run for a few milliseconds, so
that pings and cancels are answered. Replies of one read leave in one write. Generators are
suspended between their items, and other calls run then.

A call is a tuple (id, method's name, parameters, timeout), and (..., deadline) once it has had to
wait; the object that a method can ask about is made when it asks.
"""

from __future__ import annotations

import sys
from _collections import deque  # type: ignore[import-not-found]
from _thread import allocate_lock, get_ident
from os import read
from time import monotonic

from bridgekit.backend.call import Call, CurrentCalls, deadline_of, key_of
from bridgekit.backend.dispatch import ASYNC, MAIN
from bridgekit.backend.invoke import CALLERS, GENERATOR, LATER, invoke
from bridgekit.backend.outbox import FLUSH_AT, Outbox
from bridgekit.backend.settling import Settling
from bridgekit.errors import Cancelled
from bridgekit.wire.messages import Request
from bridgekit.wire.quick import BATCH, FEW, quick_event_sender, quick_receiver, quick_sender

if sys.platform == "win32":
    from bridgekit.backend.threads import ThreadHelper as Helper
else:
    from bridgekit.backend.helper import Helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from bridgekit.backend.bridge import PythonBridge
    from bridgekit.backend.dispatch import Method
    from bridgekit.backend.stdio import Wire
    from bridgekit.wire.connection import Connection
    from bridgekit.wire.messages import Message

    Entry = tuple[Any, ...]

__all__ = ["Loop", "Wake"]

CHUNK = 64 * 1024

_AGAIN = 0.5
"""Seconds between two attempts to get a method out of the way of the end."""


class Wake(BaseException):
    """Gets the main thread out of waiting for input."""


class Loop(Settling):
    """One backend at work. Attributes are shared with the other files of this room.

    ``waiting`` is true while the main thread reads, is about to, or takes apart what it has read;
    ``taken`` while the helper does. Each is set before the other is looked at, so at most one of
    them goes on: bytes are read and understood in order.
    """

    def __init__(
        self, bridge: PythonBridge, methods: dict[str, Method], connection: Connection, wire: Wire
    ) -> None:
        self.bridge = bridge
        self.methods = methods
        self.connection = connection
        self.receive_calls = quick_receiver(connection)
        self.send_result = quick_sender(connection)
        self.event_bytes = quick_event_sender(connection)
        self.wire = wire
        self.reader = wire.reader
        self.outbox = Outbox(wire.writer)
        self.outbox.when_gone = lambda: self.stop("gone")
        self.queue: Any = deque()
        self.plain = {n: method for n, method in methods.items() if method.lane == MAIN}
        self.elsewhere = frozenset(methods) - frozenset(self.plain)
        self.active: dict[Any, Any] = {}
        self.streams: list[Any] = []
        self.features: frozenset[str] = frozenset()
        self.headers: dict[Any, dict[str, str]] = {}
        self.running: Any = None
        self.call: Optional[Call] = None
        self.began = 0.0
        self.batch: Any = None
        self.resting = False  # somebody waits for the calls in ``active`` to end
        self.rest = allocate_lock()  # opened by the last one then
        self.rest.acquire()
        self.ending: Optional[str] = None
        self.status = 0
        self.farewell: Any = {"status": "shutdown"}
        self.hook_ran = False
        self.waiting = False
        self.taken = False
        self.eof = False
        self.fresh = True  # nobody has called yet
        self.calls = 0
        self.errors = 0
        self.started = monotonic()
        self.main = get_ident()
        self.signals: Any = None
        self.workers: Any = None
        self.tasks: Any = None
        self.host_calls: Any = None
        self.helper = Helper(self)
        self.outbox.helper = self.helper
        self.current = CurrentCalls(self)

    # -- reading and running, on the main thread -------------------------------------------

    def serve(self) -> None:  # noqa: C901 - one frame for the path of every call
        """Answer until something ends it; ``ending`` says what."""
        plain, helper, outbox, reader = self.plain, self.helper, self.outbox, self.reader
        queue, receive, send, answer = (
            self.queue,
            self.receive_calls,
            self.send_result,
            outbox.answer,
        )
        call: Any = None
        params: Any = None
        result: Any = None
        reply: Any = None
        queued, size = False, 0  # answers to calls that had to wait leave together
        while True:  # a loop with a condition would never be specialized by CPython 3.11
            if self.ending:
                break
            if queue:
                queued = True
                call = queue.popleft()
                method = plain.get(call[1])
            else:
                if queued:
                    queued, size = False, 0
                    outbox.flush()
                if (self.streams or self.eof or self.fresh) and self._attend():
                    continue
                self.waiting = True
                if self.taken and self._take_back():
                    continue
                if self.ending:
                    break
                data = read(reader, CHUNK)
                call = receive(data) if data else None
                if helper.parked:
                    helper.wake()
                method = plain.get(call[1]) if call.__class__ is tuple else None
                if method is None:
                    self._take_apart(call, data)
                    continue
                self.waiting = False
                if call[3] is not None:
                    self.began = monotonic()
            if method is None:
                reply = self._special(call)
            else:
                self.calls += 1
                try:
                    try:
                        self.running = call
                        params = call[2]
                        if params.__class__ is dict:  # as ``invoke``, without the price of a call
                            for name, kind, default in method.checks:
                                if params.get(name, default).__class__ is not kind:
                                    result = invoke(method, params)
                                    break
                            else:
                                result = method.function(**params)
                        else:
                            result = invoke(method, params)
                        if result.__class__ in LATER:
                            reply = self.later(call, result)
                        else:
                            reply = send(call[0], result)
                        self.running = None
                    except BaseException as error:
                        reply = self.failed(call, error)
                except Cancelled as error:  # it came as the method was ending in another way
                    reply = self.failed(call, error)
                if self.call is not None:
                    self.current.end()
            if not queued:
                if reply:
                    answer(reply)
            elif reply:
                outbox.put(reply)
                size += len(reply)
                if size >= FLUSH_AT:
                    size = 0
                    outbox.flush()
            call = params = result = reply = None  # they need not live until the next call
        outbox.flush()

    def _take_apart(self, call: Any, data: bytes) -> None:
        """What was read is not one call that runs here: ``call`` is it, several, or nothing."""
        if call.__class__ is tuple:
            call = None
        if call is not None:
            self._take_all(call)
        else:
            self.feed(self.connection.receive_data(data) if data else self.at_eof())
        self.waiting = False
        if self.outbox.chunks:
            self.outbox.flush()

    def _attend(self) -> bool:
        """See to streams, and to both ends of input; return whether anything was done."""
        if self.fresh:
            return self.helper.stand_in()
        if self.streams and self._step_streams():
            return True
        if self.eof and not self.queue:  # else the helper read on to the end
            self._finish_rest()
        return self.eof

    def _take_back(self) -> bool:
        """Read again instead of the helper; return whether it has left work."""
        self.helper.give_back()
        if not (self.queue or self.eof or self.streams):
            return False
        self.waiting = False
        return True

    def take_in(self) -> None:
        """Read what has arrived, on the main thread, while it may."""
        data = read(self.reader, CHUNK)
        self.feed(self.connection.receive_data(data) if data else self.at_eof())

    def at_eof(self) -> list[Any]:
        """The host will say no more; return what is left of what it said."""
        self.eof = True
        self.helper.watch_host()
        for job in list(self.active.values()):
            job.at_eof()
        if self.host_calls is not None:
            self.host_calls.fail_all()
        return self.connection.receive_eof()

    def _finish_rest(self) -> None:
        """What was asked for before the input ended is still answered, as a pipeline expects."""
        self.outbox.flush()
        self.waiting = self.resting = True
        while self.active and not self.ending:
            self.rest.acquire()
        self.waiting = False
        self.stop("eof")

    def later(self, entry: Entry, result: Any) -> Any:
        """A generator or coroutine came back from a method on the main thread."""
        call = self.current.of(entry)
        if result.__class__ is not GENERATOR:
            self.running = self.call = None
            self.async_lane().adopt(call, result)
            return b""
        from bridgekit.backend.streams import Stream, collect

        if "stream" not in self.features:
            return self.send_result(call.id, collect(result))
        self.running = self.call = None
        stream = Stream(self, call, result)
        self.active[key_of(call.id)] = stream
        self.streams.append(stream)
        return b""

    def _special(self, call: Entry) -> bytes:
        """Commands that are no methods of the author's."""
        from bridgekit.backend import commands

        return commands.run(self, call)

    def _step_streams(self) -> bool:
        from bridgekit.backend.streams import step_all

        return step_all(self)

    # -- input, on whichever thread reads ----------------------------------------------------

    def feed(self, messages: list[Message]) -> None:
        """Take in what was read: queue calls, start concurrent ones, answer the control lane."""
        for message in messages:
            if message.__class__ is not Request:
                from bridgekit.backend import control

                control.other(self, message)
                continue
            call = (message.id, message.method, message.params, message.timeout)
            if call[1] == "$/hello":  # every start waits for it, so it loads nothing else
                from bridgekit.backend import hello

                self.outbox.put(hello.answer(self, call))
            elif call[1].startswith("$/"):
                from bridgekit.backend import control

                control.handle(self, call)
            else:
                self._take(call)

    def _take_all(self, calls: list[Entry]) -> None:
        if self.elsewhere or len(calls) <= FEW:  # what is one of many is no batch
            for call in calls:
                self._take(call)
            return
        now, put = monotonic(), self.queue.append
        for call in calls:
            timeout = call[3]
            if timeout is None:
                put(call)
            else:
                put((call[0], call[1], call[2], timeout, deadline_of(timeout, now)))

    def _take(self, call: Entry) -> None:
        """Queue a call, or start it if it does not run on the main thread."""
        if call[1] == BATCH:
            from bridgekit.backend import control

            control.handle(self, call)
            return
        if call[3] is not None:
            call = (*call[:4], deadline_of(call[3], monotonic()))
        if call[1] in self.elsewhere and not self.ending:
            self.start_elsewhere(call)
        else:
            self.queue.append(call)

    def start_elsewhere(self, entry: Entry, batch: Any = None, index: int = 0) -> None:
        """Start a call that does not run on the main thread."""
        method = self.methods[entry[1]]
        call = Call(self, entry[0], method, entry[4] if len(entry) == 5 else None)
        call.batch, call.index = batch, index
        self.calls += 1
        lane = self.async_lane() if method.lane == ASYNC else self.worker_lane()
        lane.submit(call, entry[2])

    def async_lane(self) -> Any:
        """The event loop's thread, started on first need."""
        if self.tasks is None:
            from bridgekit.backend.tasks import Tasks

            self.tasks = Tasks(self)
        return self.tasks

    def worker_lane(self) -> Any:
        """The worker threads, started on first need."""
        if self.workers is None:
            from bridgekit.backend.workers import Workers

            self.workers = Workers(self)
        return self.workers

    # -- ending ----------------------------------------------------------------------------------

    def stop(self, reason: str, status: int = 0) -> None:
        """End the loop as soon as the running call has been answered; safe from any thread."""
        if self.ending is None:
            self.ending, self.status = reason, status
        if self.waiting and get_ident() != self.main and self.signals is not None:
            self.signals.interrupt_main()
        self.helper.wake()

    def interrupt_here(self, frame: Any) -> None:
        """Runs in the main thread, from a signal: raise what is due there, where it may be.

        Never while bytes are being written: half a frame would be the end of the wire. The
        helper then tries again.
        """
        if self.waiting:
            if self.ending and frame is not None and frame.f_code in _WAITING_CODES:
                self.waiting = False
                raise Wake
            return
        if self.running is None or self.current.lock.locked():
            return
        if self.outbox.main_writes or self.outbox.lock.locked():
            return
        call = self.current.of(self.running)
        if self.ending in ("signal", "gone"):
            due = monotonic() - call.raised > _AGAIN  # a method that swallowed it is told again
        else:
            due = call.interrupt and not call.raised
        if due:
            call.raised = monotonic()
            raise Cancelled("the call was cancelled")


CALLERS.add(Loop.serve.__code__)
_WAITING_CODES = (
    Loop.serve.__code__,
    Loop._finish_rest.__code__,
    Helper.give_back.__code__,
)
