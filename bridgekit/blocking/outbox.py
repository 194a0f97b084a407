"""Bytes that a child's pipe had no room for, in order, written whenever it takes more.

Like the inbox it survives a KeyboardInterrupt at any bytecode: how much of a chunk was written
goes from the system call into a list in C, and the chunk leaves the queue last.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from bridgekit.blocking import pipes
from bridgekit.blocking.calls import Awaited, release
from bridgekit.blocking.raising import raised_by_handler
from bridgekit.wire.pieces import Pieces

if TYPE_CHECKING:
    from bridgekit.host.launchers.child import ChildProcess

__all__ = ["Outbox"]

_STEP = 1024 * 1024


class Outbox:
    """Use it with the channel's lock held. ``size`` is an upper bound of what is unwritten."""

    def __init__(self, child: ChildProcess) -> None:
        self.size = 0
        self.broken = False
        # Calls whose small request is being written without the lock: the lone one, and others.
        self.lone: Any = None
        self.free: set[Any] = set()
        self.waiting: list[Awaited] = []
        self._child = child
        self._chunks: deque[bytes] = deque()
        # The chunk that is being written, and how much of it each write took.
        self._current: tuple[bytes, list[int]] | None = None

    def put(self, data: Any) -> None:
        """Queue ``data``, bytes or Pieces, and write what the pipe takes now."""
        if self.broken or not data:
            return
        self.size += len(data)
        self.let_finish()
        self._chunks.extend(data.parts if data.__class__ is Pieces else (data,))
        if not self.flush():
            self._child.grow_pipes()
            self.flush()

    def let_finish(self) -> None:
        """Let those finish that write without the lock, which they need not have for that.

        They looked at the size before it was set, and are in a write that cannot block.
        """
        while self.lone is not None or self.free:
            time.sleep(0)

    def flush(self) -> bool:
        """Write what the pipe takes; return whether nothing is left (or nobody reads it)."""
        chunks = self._chunks
        while chunks:
            chunk = chunks[0]
            if self._current is None or self._current[0] is not chunk:
                self._current = (chunk, [])
            taken = self._current[1]
            done = sum(taken)
            if done < len(chunk):
                rest = memoryview(chunk)[done : done + _STEP]
                try:
                    taken.extend(map(pipes.write, (self._child.stdin,), (rest,)))
                except OSError as error:
                    if raised_by_handler(error):
                        raise
                    if isinstance(error, BlockingIOError):
                        break
                    self.drop()
                    self.broken = True
                    break
                continue
            chunks.popleft()
            self._current = None
        self.size = sum(map(len, chunks)) if chunks else 0
        if self.waiting and self.size == 0:
            self.wake()
        return not chunks

    def close(self) -> None:
        """The descriptor is about to be closed, and its number may soon be another file's."""
        self.let_finish()
        self.drop()

    def disown(self) -> None:
        """This is a forked copy: who was writing is not here."""
        self.lone = None
        self.free.clear()
        self.drop()

    def drop(self) -> None:
        """Forget everything: it will never be read."""
        self._chunks.clear()
        self._current = None
        self.size = 0
        self.wake()

    def wake(self) -> None:
        """Let those go on who wait for room."""
        waiting, self.waiting = self.waiting, []
        for awaited in waiting:
            awaited.done = True
            release(awaited)
