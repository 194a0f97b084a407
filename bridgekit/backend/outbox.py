"""Everything a backend says leaves through here, in order, in as few writes as possible.

Any thread may put bytes in. One at a time writes; whoever finds somebody writing leaves its
bytes and goes on, since the writer looks again before it stops. So no lock is held while user
code runs, a signal handler that prints cannot deadlock, and a frame is never torn.

A signal handler may also raise, between any two steps of Python code, and so may a cancellation
in a worker's thread. So locks are taken by ``with``, what changes two things at once is a single
call of C code, and bytes that were taken and not written are put back.
"""

from __future__ import annotations

import sys
from _collections import deque  # type: ignore[import-not-found]
from _thread import allocate_lock, get_ident
from os import fstat, write
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FLUSH_AT", "Outbox"]

FLUSH_AT = 32 * 1024
"""Waiting bytes from which they are written rather than left for company."""

_FULL = 1024 * 1024
"""Waiting bytes from which a thread that says more has to wait for the host to read."""

QUIET = 0.003
"""Seconds since the last write after which an event is written at once."""

_SAFE = 4096
"""Bytes that a pipe takes all at once or not at all, and, if it reports room, without blocking
(PIPE_BUF)."""

_FILE_TYPE, _FIFO = 0o170000, 0o010000
"""As :mod:`stat` has them, which a cold child need not load."""

_PAUSE = 0.001
"""Seconds between two looks of who waits for the main thread to have written."""

_WHOLE = frozenset((bytes, bytearray, memoryview))
"""What waits, unless it is Pieces."""

_popleft = deque.popleft


class Outbox:
    """The bytes that wait to be written to ``descriptor``."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.piped = fstat(descriptor).st_mode & _FILE_TYPE == _FIFO
        self.chunks: Any = deque()
        self.lock = allocate_lock()
        self.size = 0
        self.writes = 0
        self.last = 0.0
        self.gone = False
        self.main = get_ident()
        self.owner = 0
        self.trickling = False
        self.main_writes = False  # a small answer, without the lock
        self.put = self.chunks.append
        self.helper: Any = None  # writes what is left here
        self.when_gone: Any = None  # told when the host has stopped reading

    def answer(self, data: Any) -> None:
        """As :meth:`push`, on the main thread and into a pipe: what is small needs no lock.

        The main thread says so, and writes if it then finds the lock free. Whoever has the lock
        looks whether it has said so, and leaves its bytes if it has: the main thread looks for
        them afterwards. (The interpreter's lock has both see things in this order.)
        """
        size = len(data)
        if self.chunks or size > _SAFE:
            self.push(data)
            return
        done = 0
        try:
            self.main_writes = True
            if not self.lock.locked():
                done = write(self.descriptor, data)
                if done != size:
                    self.chunks.appendleft(data[done:])
                    done = size
        except BlockingIOError:
            pass
        except OSError as error:
            done = size
            self._failed(error, b"")
        finally:
            self.main_writes = False
        if not done:  # behind the rest of what somebody writes in portions
            self.put(data)
        if self.chunks:
            self.flush()

    def push(self, data: Any) -> None:
        """Write ``data``, bytes or Pieces, now, after what waits already."""
        self.put(data)
        self.flush()

    def post(self, data: bytes) -> None:
        """Write ``data`` at once after a quiet moment; otherwise let it wait for company."""
        self.put(data)
        more = len(data)
        self.size = size = self.size + more
        if size >= FLUSH_AT or size == more or self.helper.deaf:
            self.posted(size)

    def posted(self, size: int) -> None:
        """Decide when bytes leave that were put here in ones and twos."""
        if size >= FLUSH_AT:
            self.writes += 1
            self.flush()
            if self.size >= _FULL:
                self._wait()
                self.flush()
        elif monotonic() - self.last > QUIET:
            self.flush()
        elif self.helper.deaf:
            self.helper.rouse()

    def flush(self) -> None:
        """Write what waits, unless another thread is writing, which then writes this too.

        The helper, which only ever writes a little without blocking, is waited for instead: in
        its portions a large reply would take for ever.
        """
        while self.chunks:
            if self.main_writes:
                break
            if self.lock.locked() and (not self.trickling or get_ident() == self.owner):
                break
            with self.lock:
                if not self.main_writes:
                    self._drain()

    def trickle(self, has_room: Any) -> None:
        """Write as much as goes without blocking; ``has_room()`` tells whether any does."""
        while self.chunks and not self.main_writes and has_room() and self.lock.acquire(False):
            self.owner, self.trickling = get_ident(), True
            try:
                if self.main_writes:
                    break
                data = self._take_some()
                if data:
                    self._write(data)
            finally:
                self.trickling, self.owner = False, 0
                self.lock.release()

    def _take_some(self) -> bytes:
        """Take as many waiting bytes as a pipe that has room is sure to take."""
        chunks, size = self.chunks, 0
        parts: list[Any] = []
        while chunks and size < _SAFE:
            first = chunks.popleft()
            if first.__class__ not in _WHOLE:
                chunks.extendleft(reversed(first.parts))
                continue
            parts.append(first)
            size += len(first)
        rest = size - _SAFE
        if rest > 0:  # a view: cutting a large reply must not copy it each time
            last = memoryview(parts[-1])
            parts[-1] = last[: len(last) - rest]
            chunks.appendleft(last[len(last) - rest :])
        if not chunks:
            self.size = 0
            self.last = monotonic()
        return b"".join(parts)

    def _drain(self) -> None:
        chunks = self.chunks
        parts: list[Any] = []
        sent: list[int] = []
        try:
            parts += map(_popleft, [chunks] * len(chunks))
            self.size = 0
            self.owner = get_ident()
            self.last = monotonic()
            self._send(_together(parts), sent)
            self.owner = 0
        except BaseException as error:
            self._failed(error, _together(parts)[sum(sent) :])

    def _write(self, data: Any) -> None:
        sent: list[int] = []
        try:
            self._send(data, sent)
        except BaseException as error:
            self._failed(error, data[sum(sent) :])

    def _send(self, data: Any, sent: list[int]) -> None:
        """Write all of it; how much has been written so far is in ``sent``, whatever happens."""
        in_pieces = data.__class__ not in _WHOLE
        while (done := sum(sent)) < len(data):
            try:
                # One step of C code writes and counts: a handler that raises in between would
                # leave half a frame behind.
                rest = data.at(done) if in_pieces else memoryview(data)[done:]
                sent += map(write, (self.descriptor,), (rest,))
            except BlockingIOError:
                self._await_room()

    def _await_room(self) -> None:
        """Somebody has made the descriptor non-blocking: wait until the host has read."""
        if sys.platform == "win32":
            raise NotImplementedError  # its pipes always block
        import select

        poller = select.poll()
        poller.register(self.descriptor, select.POLLOUT)
        poller.poll()

    def _failed(self, error: BaseException, rest: Any) -> None:
        """Writing ended early: the host is gone, or a signal handler of the author's raised."""
        self.owner = 0
        if isinstance(error, OSError) and error.errno is not None:
            self._lose()
            return
        if rest:
            self.chunks.appendleft(rest)
        raise error

    def abandon(self) -> None:
        """Write nothing more, in a forked copy where some thread's lock may be held for ever."""
        self.descriptor, self.gone, self.when_gone = -1, True, None
        self.lock = allocate_lock()
        self.main_writes = False
        self.chunks.clear()

    def _lose(self) -> None:
        """The host reads no more: what is said from now on goes nowhere."""
        self.gone = True
        self.chunks.clear()
        self.size = 0
        if self.when_gone is not None:
            self.when_gone()

    def _wait(self) -> None:
        """Wait until nobody writes, which takes as long as the host does not read."""
        me = get_ident()
        while self.main_writes and me != self.main:
            sleep(_PAUSE)
        if self.owner != me:
            with self.lock:
                pass


def _together(parts: list[Any]) -> Any:
    """Return as one what is to be written at once."""
    if len(parts) == 1:
        return parts[0]
    if _WHOLE.issuperset(map(type, parts)):
        return b"".join(parts)
    from bridgekit.wire.pieces import Pieces

    every: list[Any] = []
    for part in parts:
        every += (part,) if part.__class__ in _WHOLE else part.parts
    return Pieces(every)
