"""A thread that sleeps in ``read``, and what wakes it for something that did not come by the pipe.

To wait for an answer in ``read`` takes one system call, in ``poll`` and ``read`` two: a tenth of
a round trip. But what sleeps in ``read`` heeds no timeout. So whoever has to wake it writes a
word into the pipe that no backend says, and the word is taken out again of what was read.

Linux alone: there ``/proc/self/fd`` opens the same pipe once more, with flags of its own (a
descriptor that blocks, beside that which does not) and in the other direction (proc(5)).
"""

from __future__ import annotations

import math
import os
from collections import deque
from typing import Any

from bridgekit.blocking import pipes

__all__ = ["Knocker"]


class Knocker:
    """Wakes who sleeps in a read of ``reader``, once it is open; -1 where that cannot be done.

    Use it with the channel's lock held. ``owed`` counts the words that are yet to be taken out,
    ``held`` is what may be the beginning of one. ``alarm`` is when the call ``alarmed`` is to be
    woken, if it sleeps then.
    """

    def __init__(self, descriptor: int) -> None:
        self.reader = -1
        self.owed = 0
        # Bytes that no UTF-8 text holds: a frame that ends in what begins like it is none.
        self.word = bytes(0xF8 | byte & 7 for byte in os.urandom(20))
        self.held = b""
        self.alarm = math.inf
        self.alarmed: Any = None
        self._descriptor = descriptor
        self._sifted: bytes | None = None

    def open(self) -> None:
        """Have ``reader`` opened, where the system allows it."""
        if self.reader < 0:
            try:
                self.reader = pipes.again(self._descriptor, os.O_RDONLY)
            except OSError:  # no Linux, no /proc, or no descriptor left
                pass

    def knock(self) -> bool:
        """Wake who sleeps; return False where that should be tried again."""
        try:
            writer = pipes.again(self._descriptor, os.O_WRONLY)
            pipes.never_block(writer)
        except OSError:
            return False
        self.owed += 1
        try:
            os.write(writer, self.word)  # less than PIPE_BUF: as a whole or not at all
        except OSError:  # full: nobody sleeps
            self.owed -= 1
        finally:
            os.close(writer)
        return True

    def sift(self, chunks: deque[bytes]) -> bool:
        """Take the words out of ``chunks[0]``; return False where nothing else was in it."""
        chunk = chunks[0]
        if chunk is self._sifted:  # an interrupt came before it was handed out
            return True
        held = self.held
        if not chunk:  # the end: what is owed never comes
            self.owed, self.held = 0, b""
            if held:
                chunks.appendleft(held)
            return True
        parts = (held + chunk).split(self.word, self.owed)
        owed = self.owed - len(parts) + 1
        rest, held = b"".join(parts), b""
        if owed:
            held = self._beginning(rest)
            rest = rest[: len(rest) - len(held)]
        # One step to an interrupt, which comes after calls only.
        self.owed, self.held = owed, held
        if not rest:
            chunks.popleft()
            return False
        self._sifted = chunks[0] = rest
        return True

    def close(self) -> None:
        """Nobody sleeps there any more."""
        reader, self.reader = self.reader, -1
        if reader >= 0:
            os.close(reader)

    def _beginning(self, data: bytes) -> bytes:
        """Return what stands at the end of ``data`` and may be the beginning of a word."""
        for size in range(min(len(self.word) - 1, len(data)), 0, -1):
            if data.endswith(self.word[:size]):
                return self.word[:size]
        return b""
