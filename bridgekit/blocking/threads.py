"""Pipes that can be polled, made of threads: one for each end that is read or written.

Windows needs this. Nothing here is Windows' own, so the tests run it over blocking POSIX pipes.
It is slower than polling: each chunk crosses from one thread into another. And where polling
takes a chunk into the inbox in one step of C code, a KeyboardInterrupt in just that instant can
lose one here.
"""

from __future__ import annotations

import errno
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess

__all__ = [
    "Poller",
    "Selector",
    "again",
    "close_stdin",
    "drain",
    "forget",
    "never_block",
    "read",
    "write",
]

_IN, _OUT = 1, 4
_CHUNK = 65536
_AHEAD = 16
"""Chunks that a thread reads before anybody takes them."""
_MOST = 1024 * 1024
"""Bytes from which a pipe is full, for those who write."""
_LAST_MOMENT = 0.2
"""Seconds that a thread has to read what a dead process left; a grandchild may hold its pipe."""
_LAST_READ = 0.5
"""Seconds that a thread has to see the end of its pipe before that is closed."""

_changed = threading.Condition()
"""Guards everything here; notified whenever something may have become readable or writable."""
_readers: dict[int, _Reader] = {}
_writers: dict[int, _Writer] = {}

_T = TypeVar("_T")


class _Reader:
    """Reads one descriptor for good, a few chunks ahead; the last chunk is empty."""

    def __init__(self, descriptor: int) -> None:
        self.chunks: deque[bytes] = deque()
        self.forgotten = self.draining = False
        self._descriptor = descriptor
        name = f"bridgekit-read-{descriptor}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def take(self) -> bytes:
        """Return the next chunk, b"" at the end; raise BlockingIOError when there is none."""
        if not self.chunks and self.draining:
            _changed.wait_for(lambda: self.chunks, _LAST_MOMENT)
        if not self.chunks:
            raise BlockingIOError
        if not self.chunks[0]:
            return b""
        if len(self.chunks) == _AHEAD:
            _changed.notify_all()
        return self.chunks.popleft()

    def _run(self) -> None:
        data = b"begin"
        while data:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except OSError:
                data = b""
            with _changed:
                self.chunks.append(data)
                _changed.notify_all()
                _changed.wait_for(lambda: self.forgotten or len(self.chunks) < _AHEAD)
                if self.forgotten:
                    return


class _Writer:
    """Writes to one descriptor whatever is put here, in order."""

    def __init__(self, descriptor: int) -> None:
        self.size = 0
        self.broken = self.forgotten = self.closes = False
        self._descriptor = descriptor
        self._chunks: deque[bytes] = deque()
        name = f"bridgekit-write-{descriptor}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def put(self, data: bytes) -> None:
        """Have ``data`` written; raise as writing to a non-blocking pipe does."""
        if self.broken:
            raise BrokenPipeError
        if self.size and self.size + len(data) > _MOST:
            raise BlockingIOError
        self._chunks.append(data)
        self.size += len(data)
        _changed.notify_all()

    def _run(self) -> None:
        while (data := self._next()) is not None:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                break
            with _changed:
                self.size -= len(data)
                _changed.notify_all()
        with _changed:
            self.broken = True
            if self.closes:
                os.close(self._descriptor)
            _changed.notify_all()

    def _next(self) -> bytes | None:
        with _changed:
            _changed.wait_for(lambda: self._chunks or self.closes or self.forgotten)
            return self._chunks.popleft() if self._chunks and not self.forgotten else None


def read(descriptor: int, size: int) -> bytes:
    """Return the next chunk, of whatever size, that the descriptor's thread has read."""
    with _changed:
        return _reader(descriptor).take()


def write(descriptor: int, data: bytes | memoryview) -> int:
    """Have the descriptor's thread write all of ``data``, or raise as a full pipe does."""
    with _changed:
        writer = _writers.get(descriptor)
        if writer is None:
            writer = _writers[descriptor] = _Writer(descriptor)
        writer.put(bytes(data))
    return len(data)


def never_block(descriptor: int) -> None:
    """Nothing is to be done for that here."""


def again(descriptor: int, flags: int) -> int:
    """Open a pipe once more: it cannot be done here."""
    raise OSError(errno.EINVAL, "this system cannot open a pipe again")


def close_stdin(child: ChildProcess) -> None:
    """End of file for the child, after everything that was written; returns before that."""
    descriptor = child.take_stdin()
    if descriptor < 0:
        return
    with _changed:
        writer = _writers.pop(descriptor, None)
        if writer is not None and not writer.broken:
            writer.closes = True
            _changed.notify_all()
            return
    os.close(descriptor)


def drain(descriptor: int) -> None:
    """The process has ended: :func:`read` waits a moment for what it left in the pipe."""
    with _changed:
        if descriptor in _readers:
            _readers[descriptor].draining = True


def forget(*descriptors: int) -> None:
    """End the threads of descriptors that are about to be closed; their pipes have ended."""
    threads = []
    with _changed:
        for descriptor in descriptors:
            reader = _readers.pop(descriptor, None)
            if reader is not None:
                reader.forgotten = True
                threads.append(reader.thread)
            writer = _writers.pop(descriptor, None)
            if writer is not None:
                writer.forgotten = True
        _changed.notify_all()
    for thread in threads:
        thread.join(_LAST_READ)


def _reader(descriptor: int) -> _Reader:
    reader = _readers.get(descriptor)
    if reader is None:
        reader = _readers[descriptor] = _Reader(descriptor)
    return reader


def _ready(descriptor: int, wanted: int) -> int:
    found = 0
    if wanted & _IN and _reader(descriptor).chunks:
        found |= _IN
    if wanted & _OUT:
        writer = _writers.get(descriptor)
        if writer is None or writer.broken or writer.size < _MOST:
            found |= _OUT
    return found


def _wait(look: Callable[[], _T], timeout: float | None) -> _T:
    """Return what ``look`` finds (``_changed`` held), once that is anything or time is over."""
    until = None if timeout is None else time.monotonic() + timeout
    while not (found := look()):
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            break
        _changed.wait(left)
    return found


class Poller:
    """As ``select.poll``."""

    def __init__(self) -> None:
        self._wanted: dict[int, int] = {}

    def register(self, descriptor: int, events: int) -> None:
        """Look at ``descriptor`` from now on."""
        with _changed:
            self._wanted[descriptor] = events
            _ready(descriptor, events)

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """Wait at most ``timeout`` milliseconds; return the descriptors that are ready."""
        with _changed:
            return _wait(self._look, None if timeout is None else timeout / 1000)

    def _look(self) -> list[tuple[int, int]]:
        looks = ((each, _ready(each, events)) for each, events in self._wanted.items())
        return [(descriptor, found) for descriptor, found in looks if found]


class Selector:
    """As ``selectors.DefaultSelector``, as far as the janitor needs it."""

    def __init__(self) -> None:
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, descriptor: int, events: int, data: Any = None) -> None:
        """Look at ``descriptor`` from now on; KeyError if that is so already."""
        if descriptor < 0:
            raise ValueError(descriptor)
        with _changed:
            if descriptor in self._keys:
                raise KeyError(descriptor)
            self._keys[descriptor] = selectors.SelectorKey(descriptor, descriptor, events, data)
            _changed.notify_all()

    def unregister(self, descriptor: int) -> None:
        """Look no more; KeyError if nobody did."""
        with _changed:
            del self._keys[descriptor]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait at most ``timeout`` seconds; return the keys that are ready."""
        with _changed:
            return _wait(self._look, timeout)

    def _look(self) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for key in self._keys.values():
            reads = key.events == selectors.EVENT_READ
            if _ready(key.fd, _IN if reads else _OUT):
                found.append((key, key.events))
        return found

    def close(self) -> None:
        """Look at nothing any more."""
        self._keys.clear()
