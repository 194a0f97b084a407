"""The control lane where a pipe cannot be asked whether it has anything: Windows.

There a thread can only block in reading. So one thread reads for good, as the helper of other
systems does while a method computes: it answers the control lane, starts concurrent calls and
queues plain ones, and the main thread waits for what it queues. It never writes, because a host
that does not read must not stop us from reading; a second thread writes, and presses cancels.

Nothing here needs Windows: the tests run it over POSIX pipes.
"""

from __future__ import annotations

from _thread import allocate_lock, get_ident, start_new_thread
from os import read
from time import monotonic

from bridgekit.backend.helper import _CHUNK, _MOST_QUEUED, _WARM_CALLS, Helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["ThreadHelper"]


class ThreadHelper(Helper):
    """Reads for good; :attr:`Loop.taken` stays true, so the main thread never does."""

    def _open(self, loop: Loop) -> None:
        loop.taken = self.leading = True
        loop.fresh = False
        self.parked = False
        self._answered = False
        self._reading = False
        self._full = False
        self._bell = _shut_lock()  # the writing thread has something to look at
        self._arrived = _shut_lock()  # something was read
        self._room = _shut_lock()  # the queue is short again

    # -- called from other threads ---------------------------------------------------------

    def wake(self) -> None:
        """Have everything looked at; the main thread looks too once the loop is to end."""
        super().wake()
        if self._loop.ending:
            _ring(self._arrived)
            _ring(self._loop.rest)

    def stand_in(self) -> bool:
        """Begin to read."""
        self._read_on()
        return True

    def urge(self) -> None:
        """Read from now on, though the main thread has not begun to serve."""
        self._read_on()

    def give_back(self) -> None:
        """Wait, on the main thread, until there is something for it to do."""
        loop = self._loop
        self._read_on()
        self._make_room()
        while not (loop.queue or loop.eof or loop.ending):
            self._arrived.acquire()
            if loop.streams:  # they may go on: the host has acknowledged items
                break

    def stand_back(self) -> None:
        """The main thread takes in no more plain calls."""
        self._loop.waiting = True

    def take_in(self, seconds: float) -> bool:
        """Wait until something arrives, at most ``seconds``; return whether anything did."""
        loop, until = self._loop, monotonic() + seconds
        self._read_on()
        self._make_room()
        while not loop.queue and not loop.eof:
            if not self._arrived.acquire(True, max(0.0, until - monotonic())):
                return False
        return True

    def watch_host(self) -> None:
        """Input has ended. That the host does not listen either shows only in writing."""
        self.wake()

    def _poke(self) -> None:
        _ring(self._bell)

    def _make_room(self) -> None:
        if self._full:
            self._full = False
            _ring(self._room)

    def _read_on(self) -> None:
        if not self._reading:
            self._reading = True
            self.wake()
            start_new_thread(self._read_all, ())

    # -- the thread that reads -----------------------------------------------------------------

    def _read_all(self) -> None:
        self.ident = get_ident()
        loop, outbox = self._loop, self._loop.outbox
        while not loop.eof:
            try:
                data = read(loop.reader, _CHUNK)
            except OSError:  # the host has broken the pipe
                data = b""
            loop.feed(loop.connection.receive_data(data) if data else loop.at_eof())
            self._answered = True
            if outbox.chunks or (not self._warm and loop.calls > _WARM_CALLS):
                self._poke()
            _ring(self._arrived)
            while len(loop.queue) >= _MOST_QUEUED:
                self._full = True
                # The main thread may have emptied it without seeing this: look once more.
                if len(loop.queue) >= _MOST_QUEUED:
                    self._room.acquire()

    # -- the thread that writes ----------------------------------------------------------------

    def _main(self) -> None:
        outbox = self._loop.outbox
        while True:
            timeout = self._pause()
            self._bell.acquire(True, timeout / 1000 if timeout >= 0 else -1)
            self.deaf = False
            if self._answered:
                self._answered = False
                outbox.flush()
            self._look()

    def _has_room(self) -> bool:
        return True  # this thread may block

    def _host_hung_up(self) -> bool:
        return False

    def _unwatch_host(self) -> None:
        pass


def _shut_lock() -> Any:
    lock = allocate_lock()
    lock.acquire()
    return lock


def _ring(lock: Any) -> None:
    try:
        lock.release()
    except RuntimeError:  # rung already
        pass
