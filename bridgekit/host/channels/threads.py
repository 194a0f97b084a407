"""Pipes that an event loop cannot watch: one thread for each end, handing over what it reads.

Windows needs this: its anonymous pipes know neither readiness nor non-blocking writes. It is
not tested there (tests run it on Linux, over blocking pipes), and it is slower than watching:
each chunk crosses from a thread into the loop.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bridgekit.host.channels.base import BaseChannel, OnEvent
from bridgekit.host.pending import AwaitedCall
from bridgekit.wire.pieces import Pieces

__all__ = ["ThreadedPipes"]

_READ = 65536
_LAST_MOMENT = 0.2
"""Seconds."""
_AHEAD = 16
"""Chunks that a thread may read before the loop has taken them."""


class _Pump:
    """Reads one descriptor in a thread of its own, at most a few chunks ahead."""

    def __init__(self, fd: int, arrived: Callable[[], None]) -> None:
        self._fd = fd
        self._arrived = arrived
        self._chunks: deque[bytes] = deque()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = False
        name = f"bridgekit read {fd}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Let the thread read what a dead process left; a grandchild may hold the pipe open."""
        deadline = time.monotonic() + seconds
        while not self._chunks and self._thread.is_alive() and time.monotonic() < deadline:
            self._thread.join(0.005)

    def take(self) -> bytes:
        """Return the next chunk, b"" at the end; raises BlockingIOError when there is none."""
        if not self._chunks:
            raise BlockingIOError
        if not self._chunks[0]:
            return b""
        self._room.release()
        return self._chunks.popleft()

    def stop(self) -> None:
        """Hand over nothing more."""
        self._stopped = True
        self._room.release()

    def _run(self) -> None:
        data = b"begin"
        while data:
            self._room.acquire()
            if self._stopped:
                return
            try:
                data = os.read(self._fd, _READ)
            except OSError:
                data = b""
            self._chunks.append(data)
            if not self._stopped:
                self._arrived()


class ThreadedPipes(BaseChannel):
    """Mixed into a library's channel, before it: threads instead of readiness."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._pumps: dict[int, _Pump] = {}
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writing = self._closes = False

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """As in the base class; :meth:`read` returns what the thread has read."""
        self._pumps[fd] = _Pump(fd, lambda: self.from_thread(lambda: self._arrived(fd, callback)))

    def _arrived(self, fd: int, callback: Callable[[], None]) -> None:
        if fd in self._pumps and not self.closed:
            callback()

    def unwatch(self, fd: int) -> None:
        """As in the base class; what the thread has read already can still be taken."""
        pump = self._pumps.get(fd)
        if pump is not None:
            pump.stop()

    def watch_exit(self, callback: Callable[[], None]) -> None:
        """Let a thread wait for the process."""

        def wait() -> None:
            self.child.wait(None)
            self.from_thread(callback)

        threading.Thread(target=wait, name="bridgekit wait", daemon=True).start()

    def unwatch_exit(self) -> None:
        """The thread ends with the process."""

    def read(self, fd: int) -> bytes:
        """Return the next chunk that the thread has read."""
        pump = self._pumps.get(fd)
        if pump is None:
            raise BlockingIOError
        return pump.take()

    def read_rest(self, limit: int) -> None:
        """As in the base class, waiting a moment for the thread that reads."""
        for pump in self._pumps.values():
            pump.wait(_LAST_MOMENT)
        super().read_rest(limit)

    def lone(
        self, method: str, params: Any, seconds: float | None, on_event: OnEvent = None
    ) -> AwaitedCall:
        """As any other call: nobody but the thread may read."""
        return self.submit(method, params, seconds, on_event)

    def write(self, data: Any) -> None:
        """Give ``data`` to the writing thread."""
        if self._broken or not data:
            return
        if data.__class__ is Pieces:
            for piece in data.parts:
                self.write(piece)
            return
        if not self._writing:
            self._writing = True
            name = f"bridgekit write {self._stdin}"
            threading.Thread(target=self._write_all, name=name, daemon=True).start()
        self.backlog += len(data)
        self._outbox.put(data)

    def _write_all(self) -> None:
        fd = self._stdin
        broken = False
        while (data := self._outbox.get()) is not None:
            rest = memoryview(data if not broken else b"")
            try:
                while rest:
                    rest = rest[os.write(fd, rest) :]
            except OSError:
                broken = True
                self.from_thread(self._break)
            size = len(data)
            self.from_thread(lambda: self._wrote(size))  # noqa: B023
        if self._closes:
            os.close(fd)

    def _wrote(self, size: int) -> None:
        self.backlog = max(0, self.backlog - size)
        self._unblock()

    def close_write(self) -> None:
        """End of file for the child, once the thread has written what it has.

        The thread closes the descriptor: on Windows, closing it here would wait for a write that
        a child which reads nothing holds up.
        """
        if self._writing:
            self._closes = self.child.take_stdin() >= 0
        self._outbox.put(None)
        super().close_write()

    def close(self) -> None:
        """As in the base class; the threads end with their pipes."""
        for fd in tuple(self._pumps):
            self.unwatch(fd)
        self._outbox.put(None)
        super().close()
