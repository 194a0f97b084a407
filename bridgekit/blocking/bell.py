"""What wakes a leader from its sleep on the wire for something that did not come by the wire.

A reader of ``events()`` may lead: then it sleeps in a poll of the wire. What the backend writes
to stderr is read by the janitor and put into the reader's queue, which no byte on the wire tells.
"""

from __future__ import annotations

import os
import threading

from bridgekit.blocking import pipes

__all__ = ["Bell"]


class Bell:
    """A pipe to oneself, once it hangs; poll ``reader``. Any thread may ring it."""

    def __init__(self) -> None:
        self.reader = self._writer = -1
        self._lock = threading.Lock()  # a descriptor that was closed is soon another's

    def hang(self) -> None:
        """Open the pipe."""
        self.reader, self._writer = os.pipe()
        pipes.never_block(self.reader)
        pipes.never_block(self._writer)

    def ring(self) -> None:
        """Make ``reader`` readable."""
        with self._lock:
            try:
                if self._writer >= 0:
                    os.write(self._writer, b"x")
            except OSError:  # full, so it rings already
                pass

    def silence(self) -> None:
        """It was heard."""
        try:
            pipes.read(self.reader, 4096)
        except OSError:
            pass

    def disown(self) -> None:
        """This is a forked copy: whoever held the lock is not here."""
        self._lock = threading.Lock()
        self.close()

    def close(self) -> None:
        """Nobody polls it any more."""
        with self._lock:
            reader, writer = self.reader, self._writer
            self.reader = self._writer = -1
        if reader >= 0:
            pipes.forget(reader)
            os.close(writer)
            os.close(reader)
