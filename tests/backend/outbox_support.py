"""A pipe with an outbox at its writing end, and threads that write to it."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import termios
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bridgekit.backend.outbox import Outbox
from tests.support.processes import PATIENCE, readable

ALWAYS = lambda: True  # noqa: E731


class Pipe:
    """An outbox over a pipe, with what stands in for its helper."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.out = Outbox(self.writer)
        self.roused = 0
        self.out.helper = SimpleNamespace(deaf=False, rouse=self.rouse)

    def rouse(self) -> None:
        self.roused += 1

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < size:
            assert readable(self.reader), f"{len(data)} of {size} bytes came"
            data += os.read(self.reader, size - len(data))
        return bytes(data)

    @property
    def empty(self) -> bool:
        return not readable(self.reader, 0)

    def fill(self) -> int:
        """Fill the pipe to the brim; return how many bytes that took."""
        os.set_blocking(self.writer, False)
        size = 0
        try:
            while True:
                size += os.write(self.writer, b"." * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(self.writer, True)
        return size

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                os.close(descriptor)


class WatchedLock:
    """A lock that tells when one certain thread asks for it, and when one waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.release, self.locked = self._lock.release, self._lock.locked
        self.who = 0
        self.asked, self.awaited = threading.Event(), threading.Event()

    def acquire(self, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking)

    def __enter__(self) -> None:
        if threading.get_ident() == self.who:
            self.asked.set()
        if self._lock.locked():
            self.awaited.set()
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def in_thread(function: Callable[..., Any], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def finish(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def capacity(pipe: Pipe) -> int:
    return fcntl.fcntl(pipe.reader, fcntl.F_GETPIPE_SZ)


def failing(outcomes: list[Any]) -> Callable[[int, bytes], int]:
    """A ``write`` that takes so many bytes, or raises, one outcome after the other."""

    def write(descriptor: int, data: bytes) -> int:
        outcome = outcomes.pop(0) if outcomes else len(data)
        if isinstance(outcome, BaseException):
            raise outcome
        return os.write(descriptor, data[:outcome])

    return write


def readable_bytes(descriptor: int) -> int:
    size = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, size)
    return size[0]
