"""What the channels of all libraries share: calling, reading, expiry.

Writing, the other half, is in :mod:`bridgekit.host.channels.writing`.
"""

from __future__ import annotations

import math
import os
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from bridgekit.host.channels.writing import JOIN, Writing
from bridgekit.host.many import BatchSizer
from bridgekit.wire.messages import Event

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.pending import AwaitedCall, PendingCall
    from bridgekit.host.session import Session
    from bridgekit.host.starting import Starter

__all__ = ["BaseChannel", "OnEvent"]

OnEvent = Callable[[Event], object] | None

_READ = 65536
"""Larger buffers cross malloc's mmap threshold and fault on every message."""
_READS_A_TURN = 16
_STREAK = 16
"""Calls that may end without a turn of the event loop."""
_MISSES = 4
_SKIP = 32
_SKIP_BUSY = 32
"""Lone calls after which, or after as many concurrent ones, a look is worth while again."""


class BaseChannel(Writing):
    """One child's pipes under one library; subclasses watch descriptors and wake waiters.

    ``lost`` is called, once, when the child has closed its end of the wire.
    """

    def __init__(
        self,
        session: Session,
        child: ChildProcess,
        tasks: Starter,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(session, child, lost)
        self.sizers: dict[str, BatchSizer] = {}
        self._tasks = tasks
        self._stdout = child.stdout
        self._armed = math.inf
        self._open = session.open
        self.pending = session.table.pending
        self._send_request = session._send_request
        self._parse_answer = session._parse_answer
        self._streak = 0
        self._misses = 0
        self._skip = 0

    # -- what a library must provide ---------------------------------------------------------

    @abstractmethod
    def start(self) -> None:
        """Begin to watch the child's output."""

    @abstractmethod
    def make_call(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        """Return a call, not yet open, that the current task (or another) can await."""

    checkpoint: Callable[[], Awaitable[None]] | None = None
    """What to await after a call that needed no turn of the loop, if the library asks for it."""

    def lone(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall | tuple[Any]:
        """Make the only call in flight; return its result in a tuple, or the call to await.

        The reply is looked for right after the request was written. It is there where host and
        child share a processor: waking the child puts us aside, and when we go on it has
        answered. No turn of the event loop can be cheaper than none. Where looking is no use
        it is soon left off and tried again now and then; and after a streak of calls without
        one the loop gets its turn, so that nobody else starves.
        """
        session = self.session
        if self._skip or self._out or not self._fresh or self._streak >= _STREAK:
            return self.submit(method, params, seconds, on_event)
        if session._refusal is not None:
            raise session._refusal()
        table = session.table
        call_id = table._last + 1
        data = self._send_request(call_id, method, params, None if session.plain else seconds)
        table._last = call_id
        self.write(data)
        answer: bytes | None = None
        try:
            answer = os.read(self._stdout, _READ)
        except OSError:
            pass
        else:
            result = self._parse_answer(answer, call_id)
            if result is not None:
                self._fresh = True
                self._streak += 1
                self._misses = 0
                session.completed += 1
                return result
        call = self.make_call(method, None, seconds, on_event)
        session.adopt(call, call_id)
        self._after_look(answer)
        return call

    def _after_look(self, answer: bytes | None) -> None:
        """Take what a look for the reply found, if it was something else."""
        if answer is None:
            self._misses += 1
            if self._misses >= _MISSES:
                self._skip = _SKIP
        elif answer:
            self._streak += 1
            self._take(answer)
        else:
            self._ended()
        self.arm()

    def submit(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        """Open a call, send it, and return it to be awaited.

        Await :meth:`wait_writable` first where :attr:`backlog` says so. Raises what
        :meth:`Session.open` raises.
        """
        call = self.make_call(method, params, seconds, on_event)
        data = self._open(call)
        if self._flushing and self.backlog < JOIN and data.__class__ is bytes:
            self._out.append(data)
            self.backlog += len(data)
        else:
            self.write(data)
        if len(self.pending) > 1:
            self._skip = _SKIP_BUSY
        elif self._skip:
            self._skip -= 1
        if call.deadline < self._armed:
            self.arm()
        return call

    def abandon(self, call: AwaitedCall) -> None:
        """Give up a call that nobody awaits any more."""
        self.give_up(call)
        call.done = True

    @abstractmethod
    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``fd`` is readable, until :meth:`unwatch`."""

    @abstractmethod
    def unwatch(self, fd: int) -> None:
        """Stop watching ``fd``; nothing happens when it is not watched."""

    def watch_exit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the process has ended (and perhaps again)."""
        self.watch(self.child.exit_fd, callback)

    def unwatch_exit(self) -> None:
        """Stop watching for the end of the process."""
        self.unwatch(self.child.exit_fd)

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after ``seconds``; return what prevents it."""

    @abstractmethod
    def _set_timer(self, when: float) -> None:
        """Call :meth:`_on_timer` at ``when`` (of time.monotonic), replacing an earlier timer."""

    # -- reading ---------------------------------------------------------------------------------

    def read(self, fd: int) -> bytes:
        """Return what can be read from ``fd`` now, b"" at its end; raises BlockingIOError."""
        return os.read(fd, _READ)

    def _on_readable(self) -> None:
        self._streak = 0
        for _ in range(_READS_A_TURN):
            try:
                data = self.read(self._stdout)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._ended()
                return
            self._take(data)
            if len(data) < _READ or self.closed:
                return
            if not self._grown:
                self._grow()

    def _take(self, data: bytes) -> None:
        session = self.session
        self._fresh = True
        session.receive(data)
        if session.outgoing:
            self.write(session.take_outgoing())
        if session.next_deadline < self._armed:
            self._arm()

    def _ended(self) -> None:
        self.unwatch(self._stdout)
        self.session.receive_eof()
        self._break()

    def read_rest(self, limit: int) -> None:
        """Take what a dead child left in its pipe, at most about ``limit`` bytes of it."""
        while limit > 0 and not self.closed:
            try:
                data = self.read(self._stdout)
            except OSError:
                return
            if not data:
                self.session.receive_eof()
                return
            limit -= len(data)
            self.session.receive(data)

    # -- time ------------------------------------------------------------------------------------

    def give_up(self, call: PendingCall) -> None:
        """The caller no longer waits: forget the call and tell the backend."""
        data = self.session.cancel(call)
        if data:
            self.write(data)
            if self.session.next_deadline < self._armed:
                self._arm()

    def arm(self) -> None:
        """Call after giving the session calls or deadlines in other ways than :meth:`call`."""
        if self.session.next_deadline < self._armed:
            self._arm()

    def _arm(self) -> None:
        self._armed = self.session.next_deadline
        self._set_timer(self._armed)

    def _on_timer(self) -> None:
        self._armed = math.inf
        if self.closed:
            return
        self.session.expire(time.monotonic())
        if self.session.outgoing:
            self.write(self.session.take_outgoing())
        if self.session.next_deadline < math.inf and not self.closed:
            self._arm()

    @abstractmethod
    def from_thread(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the event loop's thread; may be called from any thread."""

    def close(self) -> None:
        """Watch nothing any more; the descriptors stay open, they are the child's."""
        if self.closed:
            return
        self.closed = True
        self._give_up_writing()
        self._stdin = self._stdout = -1
