"""Generators on the main thread: one item at a time, and other calls in between.

A stream may be ``WINDOW`` items or ``WINDOW_BYTES`` ahead of its consumer, whichever is less,
and always one item. A generator that has to wait, or has just yielded, makes room for the calls
that came meanwhile: a consumer may call the backend while it iterates.
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]
from time import monotonic

from bridgekit.backend.call import set_current
from bridgekit.backend.settling import attribute
from bridgekit.errors import Cancelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.call import Call
    from bridgekit.backend.loop import Loop

__all__ = [
    "WINDOW",
    "WINDOW_BYTES",
    "Credit",
    "Stream",
    "collect",
    "serve_first",
    "step_all",
]

WINDOW = 64
"""Items that a stream may be ahead of its consumer."""

WINDOW_BYTES = 1024 * 1024
"""Bytes that a stream may be ahead of its consumer."""

_BURST = 0.002
"""Seconds for which a stream goes on before the wire is looked at again."""

_LAST_MOMENT = 0.5
"""Seconds for which streams go on when the backend is to shut down."""

_MOST_COLLECTED = 1_000_000
"""Items to which a stream is collected for a host that cannot stream."""


class Credit:
    """How far one stream is ahead of its consumer."""

    __slots__ = ("_bytes", "_sent", "seq", "unlimited")

    def __init__(self) -> None:
        self.seq = 0
        self.unlimited = False
        self._sent: Any = deque()
        self._bytes = 0

    def sent(self, size: int) -> None:
        """Item number ``seq`` went out with ``size`` bytes."""
        self._sent.append((self.seq, size))
        self._bytes += size

    @property
    def left(self) -> bool:
        """Whether another item may go out."""
        if not self._sent or self.unlimited:
            return True
        return len(self._sent) < WINDOW and self._bytes < WINDOW_BYTES

    def acknowledge(self, seq: Any) -> None:
        """The consumer has taken every item up to number ``seq``."""
        if type(seq) is not int:
            return
        sent = self._sent
        while sent and sent[0][0] <= seq:
            self._bytes -= sent.popleft()[1]


class Stream:
    """A generator that runs on the main thread, and the call it answers."""

    def __init__(self, loop: Loop, call: Call, generator: Any) -> None:
        self._loop = loop
        self.call = call
        self.id = call.id
        self.credit = Credit()
        self.credit.unlimited = loop.eof
        self._generator = generator

    @property
    def ready(self) -> bool:
        """Whether a step would do anything."""
        return self.credit.left or self.call._cancelled or bool(self._loop.ending)

    def acknowledge(self, seq: Any) -> None:
        """The host's consumer has taken items."""
        self.credit.acknowledge(seq)

    def at_eof(self) -> None:
        """No more acknowledgements will come; the pipe alone holds the stream back."""
        self.credit.unlimited = True

    def cancel(self) -> None:
        """End the generator at its next step, or now if it is running."""
        self.call._cancelled = True
        if self._loop.running is self.call:
            self._loop.helper.cancel(self.call)

    def step(self) -> bool:
        """Send one item; return whether the stream goes on."""
        loop, call = self._loop, self.call
        set_current(call)
        try:
            try:
                loop.running = call
                if call._cancelled and not call.raised:
                    call.raised = monotonic()
                    self._generator.throw(Cancelled("the call was cancelled"))
                value = next(self._generator)
                loop.running = None
                credit = self.credit
                credit.seq += 1
                data = loop.event_bytes("$/item", {"seq": credit.seq, "value": value}, call.id)
                credit.sent(len(data))
                loop.outbox.post(data)
                return True
            except StopIteration as end:
                loop.running = None
                return self._end(loop.connection.send_result(call.id, end.value))
        except BaseException as error:
            loop.running = None
            self._close(error)
            return False

    def end(self) -> None:
        """The backend ends, and this call with it; the generator may clean up."""
        loop, call = self._loop, self.call
        set_current(call)
        call.raised = monotonic()  # a clean-up that takes long is interrupted, as methods are
        loop.running = call
        try:
            self._close(Cancelled("the backend is shutting down"))
        finally:
            loop.running = None

    def _close(self, error: BaseException) -> None:
        try:
            self._generator.close()
        except BaseException as second:  # its clean-up failed: that is what the author must see
            error = second
        self._loop.running = None
        if error.args and attribute(error, "place") and self.credit.seq:
            error.args = (f"item {self.credit.seq}: {error.args[0]}",)
        self._end(self._loop.send_failure(self._loop.failure(self.call, error)))

    def _end(self, reply: bytes) -> bool:
        self.call.done = True
        self._loop.forget(self.call)
        self._loop.outbox.push(reply)
        return False


def step_all(loop: Loop) -> bool:
    """Give every stream that can go on a turn, and look at the wire.

    Returns False when all of them wait, so that the main loop may block.
    """
    ready = [stream for stream in loop.streams if stream.ready]
    if not ready:
        loop.outbox.flush()
        return False
    until = monotonic() + _BURST
    for stream in ready:
        while stream.ready:
            if not stream.step():
                loop.streams.remove(stream)
                break
            if loop.queue or loop.ending or monotonic() > until:
                break
    _look_at_wire(loop)
    return True


def serve_first(loop: Loop) -> None:
    """Let the streams that were asked for before the end go on while they can, for a moment."""
    until = monotonic() + _LAST_MOMENT
    while monotonic() < until:
        ready = [stream for stream in loop.streams if stream.ready]
        if not ready:
            break
        for stream in ready:
            if not stream.step():
                loop.streams.remove(stream)


def _look_at_wire(loop: Loop) -> None:
    """Take in what has arrived, without waiting for it, so that it runs next."""
    loop.waiting = True
    if not loop.taken and not loop.eof:
        loop.helper.take_in(0)
    loop.waiting = False


def collect(generator: Any) -> list[Any]:
    """Return all items, for a host that cannot stream."""
    items = []
    for item in generator:
        items.append(item)
        if len(items) > _MOST_COLLECTED:
            generator.close()
            raise OverflowError(
                f"the stream has more than {_MOST_COLLECTED} items and the host cannot stream; "
                "a host says that it can with $/hello"
            )
    return items
