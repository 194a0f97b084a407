"""The writing half of a channel: at once or together, and what to do when the pipe is full.

The first write of a turn goes out at once, so that the backend starts while the host is still
busy; the others of the turn are sent together in one system call.
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from bridgekit.errors import CallTimeout

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.session import Session

__all__ = ["HIGH_WATER", "JOIN", "Writing"]

HIGH_WATER = 1024 * 1024
"""Unwritten bytes above which new calls wait."""
JOIN = 65536
"""Unwritten bytes up to which they are joined rather than sent piece by piece."""
_CHUNKS = 256


class Writing(ABC):
    """A child's stdin; ``lost`` is called, once, when the child has closed its end of the wire."""

    def __init__(self, session: Session, child: ChildProcess, lost: Callable[[], None]) -> None:
        self.session = session
        self.child = child
        self.closed = False
        self.backlog = 0
        self._lost = lost
        self._stdin = child.stdin
        self._out: list[bytes | memoryview] = []
        self._fresh = True
        self._flushing = False
        self._blocked = False
        self._broken = False
        self._grown = False
        self._drained: anyio.Event | None = None

    @abstractmethod
    def _flush_soon(self) -> None:
        """Call :meth:`_flush` at the end of this turn."""

    @abstractmethod
    def _watch_writable(self) -> None:
        """Call :meth:`_flush` whenever stdin can take more, until nothing is left."""

    def write(self, data: Any) -> None:
        """Send ``data``: at once when it is the first of this turn, else with the turn's rest.

        It is bytes, or Pieces.
        """
        if self._fresh and not self._out and data.__class__ is bytes:
            self._fresh = False
            try:
                sent = os.write(self._stdin, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._break()
                return
            if sent == len(data):
                return
            self._out.append(memoryview(data)[sent:])
            self.backlog = len(data) - sent
            self._block()
            return
        if self._broken or not data:
            return
        if data.__class__ is bytes:
            self._out.append(data)
        else:
            self._out += data.parts
        self.backlog += len(data)
        if self._blocked:
            return
        if self.backlog > JOIN:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            self._flush_soon()

    def _flush(self) -> None:
        """Write what waits, as far as the pipe takes it."""
        self._flushing = False
        self._fresh = True
        while self._out and not self._broken:
            try:
                if self.backlog <= JOIN or sys.platform == "win32":
                    self._out = [b"".join(self._out)]
                    sent = os.write(self._stdin, self._out[0])
                else:
                    sent = os.writev(self._stdin, self._out[:_CHUNKS])
            except BlockingIOError:
                sent = 0
            except OSError:
                self._break()
                return
            self._forget(sent)
            if self._out and not sent:
                self._block()
                return
        self._unblock()

    def _forget(self, sent: int) -> None:
        """Drop the first ``sent`` bytes of what waits."""
        self.backlog -= sent
        done = 0
        for chunk in self._out:
            if sent < len(chunk):
                break
            sent -= len(chunk)
            done += 1
        del self._out[:done]
        if sent:
            self._out[0] = memoryview(self._out[0])[sent:]

    def _grow(self) -> None:
        """Large messages have come up: let the pipes hold more at a time."""
        self._grown = True
        self.child.grow_pipes()

    def _block(self) -> None:
        if not self._grown:
            self._grow()
        if not self._blocked:
            self._blocked = True
            self._watch_writable()

    def _unblock(self) -> None:
        self._blocked = False
        if self._drained is not None:
            self._drained.set()
            self._drained = None

    def _break(self) -> None:
        """The child has closed one of its ends: nothing can be called any more."""
        if self._broken:
            return
        self._give_up_writing()
        if not self.closed:
            self._lost()

    def _give_up_writing(self) -> None:
        """Forget what is unwritten, and whatever may still come."""
        self._broken = True
        self._out.clear()
        self.backlog = 0
        self._unblock()

    async def wait_writable(self, method: str, seconds: float | None) -> None:
        """Wait until less than the high-water mark is unwritten; CallTimeout after ``seconds``."""
        if self.backlog <= HIGH_WATER:
            return
        with anyio.move_on_after(seconds):
            while self.backlog > HIGH_WATER:
                if self._drained is None:
                    self._drained = anyio.Event()
                await self._drained.wait()
            return
        raise CallTimeout(
            f"{method!r} could not be sent to backend {self.session.name!r} within {seconds:g} s: "
            "it reads nothing and its pipe is full",
            timeout=seconds,
            method=method,
            backend=self.session.name,
        )

    def close_write(self) -> None:
        """End of file for the child, after what still waits if the pipe takes it now."""
        if self._out and not self._blocked:
            self._flush()
        self._give_up_writing()
        self._stdin = -1
        self.child.close_stdin()
