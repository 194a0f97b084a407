"""The control lane: a second thread that keeps answering while the main thread computes.

It sleeps while the backend is idle. From the first call on it looks every few milliseconds, or
less often where short calls go on and on, whether the main thread is still at the same call; if so
it takes over reading the wire, serves pings, cancels and the rest of the control lane, starts
concurrent calls and queues plain ones, until the main thread wants the wire back. After a while
without activity it sleeps again. It never blocks on writing: a host that does not read must not
stop us from reading.
"""

from __future__ import annotations

import os
import select
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic

from bridgekit.backend.outbox import QUIET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["Helper"]

_TICK = 5
"""Milliseconds between two looks."""

_LONG_TICK = 40
"""What that grows to while short calls come and go: each look holds up the call it falls into."""

_LEADING_TICK = 20
"""Milliseconds between two looks while it reads: calls that wait may leave answers to be written."""

_PATIENCE = 6
"""Looks without activity after which the helper sleeps."""

_CHUNK = 64 * 1024
_MOST_QUEUED = 65536
"""Waiting calls from which the helper stops reading; the pipe then holds the host back."""

_WARM_CALLS, _WARM_WRITES = 1000, 20
"""Calls, or writes of many events, after which a faster codec is worth its import."""

_COOPERATIVE_GRACE = 1.0
"""Seconds that a method which looks at ``cancelled`` has before it is interrupted."""

_STOP_GRACE = 3.0
"""Seconds in which a running method must end after SIGTERM."""

_LAST_MOMENT = 0.7
"""Seconds that a method has to make room for the stop hooks when the host is gone."""


class Helper:
    """The helper thread of one loop, started by the first :meth:`wake`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._handed = allocate_lock()
        self._handed.acquire()
        self.parked = True
        self.wanted = False
        self.leading = False
        self.ident = 0
        self.deaf = True
        self._started = False
        self._urgent = False
        self._warm = False
        self._cancels: list[tuple[float, Any, Any]] = []
        self._missed: list[Any] = []
        self._seen: Any = None
        self._still = 0
        self._tick = _TICK
        self._doubt = False
        self._gone_since = self._stop_since = 0.0
        self.lifeline = self.pipe = -1
        self._open(loop)

    def _open(self, loop: Loop) -> None:
        """Make what this thread waits on."""
        if sys.platform == "win32":  # see :mod:`bridgekit.backend.threads`
            raise NotImplementedError
        self._left_pipe: int
        self._left_pipe, self.pipe = os.pipe()
        os.set_blocking(self._left_pipe, False)
        os.set_blocking(self.pipe, False)
        self._idle_poll: Any = select.poll()
        self._idle_poll.register(self._left_pipe, select.POLLIN)
        self._wire_poll: Any = select.poll()
        self._wire_poll.register(self._left_pipe, select.POLLIN)
        self._wire_poll.register(loop.reader, select.POLLIN)
        self._room_poll: Any = select.poll()
        self._room_poll.register(loop.outbox.descriptor, select.POLLOUT)
        self._hangup_poll: Any = select.poll()
        self._hangup_poll.register(loop.outbox.descriptor, 0)

    # -- called from other threads ---------------------------------------------------------

    def wake(self) -> None:
        """Begin to look after the main thread."""
        self.parked = False
        if not self._started:
            self._started = True
            self._loop.fresh = False
            start_new_thread(self._main, ())
        else:
            self._poke()

    def stand_in(self) -> bool:
        """Wait for input on the main thread, before there is a helper; say if there is none.

        A signal that comes just before a read begins does not end it. Later the helper sees to
        that; until then the wakeup pipe is waited for together with the wire.
        """
        for descriptor, _ in self._wire_poll.poll():
            if descriptor == self._left_pipe:
                self._drain()
                return True
        return False

    def rouse(self) -> None:
        """Bytes were left in the outbox: see that they leave soon."""
        self.deaf = False
        self.wake()

    def urge(self) -> None:
        """Take over reading now, if nobody reads: somebody waits for what the host says."""
        self._urgent = True
        self.wake()

    def give_back(self) -> None:
        """Get the wire back for the main thread; returns when it has it."""
        self.wanted = True
        self._poke()
        self._handed.acquire()

    def stand_back(self) -> None:
        """Leave the wire to the main thread for good."""
        self._loop.waiting = True
        if self._loop.taken:
            self.give_back()

    def take_in(self, seconds: float) -> bool:
        """Take in what arrives within ``seconds``, on the main thread; whether anything did."""
        if sys.platform == "win32":
            raise NotImplementedError
        poller = select.poll()
        poller.register(self._loop.reader, select.POLLIN)
        if not poller.poll(seconds * 1000):
            return False
        self._loop.take_in()
        return True

    def cancel(self, call: Any) -> None:
        """Interrupt ``call`` on the main thread, at once or after its time to stop by itself."""
        if call._entry is not None and call._entry.marks.cancel == "flag":
            return
        self.press(call, self._interrupt_main)

    def press(self, call: Any, interrupt: Any) -> None:
        """Call ``interrupt(call)`` again and again until the call has ended or been raised in.

        A method that looks at ``cancelled`` is given time to stop by itself first.
        """
        grace = _COOPERATIVE_GRACE if call._polled else 0.0
        self._cancels.append((monotonic() + grace, call, interrupt))
        if not grace:
            interrupt(call)
        self.rouse()

    def look_again(self, call_id: Any) -> None:
        """Cancel a call later that was nowhere to be found: it may be on its way somewhere."""
        self._missed.append(call_id)
        self.rouse()

    def watch_host(self) -> None:
        """Input has ended: from now on notice when the host does not listen either."""
        self._idle_poll.register(self._loop.outbox.descriptor, 0)
        self.wake()

    def watch_lifeline(self, descriptor: int) -> None:
        """End the process when the lifeline ends, where the kernel does not see to it."""
        if sys.platform == "win32":
            raise NotImplementedError
        self.lifeline = descriptor
        for poller in (self._idle_poll, self._wire_poll):
            poller.register(descriptor, select.POLLHUP)
        self.wake()

    def _poke(self) -> None:
        try:
            os.write(self.pipe, b"\0")
        except BlockingIOError:  # it has enough reasons to look
            pass

    # -- the thread ------------------------------------------------------------------------

    def _main(self) -> None:
        self.ident = get_ident()
        loop = self._loop
        while True:
            timeout = self._pause()
            reading = self.leading and not loop.eof and len(loop.queue) < _MOST_QUEUED
            ready = (self._wire_poll if reading else self._idle_poll).poll(timeout)
            self.deaf = False
            for descriptor, _ in ready:
                if descriptor == self._left_pipe:
                    self._drain()
                elif descriptor == self.lifeline:
                    os._exit(0)
                elif self.leading and not self.wanted:
                    self._read()
            self._look()

    def _pause(self) -> int:
        """Milliseconds until the next look; -1, and deaf, when nothing asks for one."""
        chunks = self._loop.outbox.chunks
        if chunks or self._cancels or self._missed or self._gone_since or self._stop_since:
            return _TICK
        if not self.leading and not self.parked:
            pause = _TICK if self._doubt else self._tick
            self.deaf = pause > _TICK  # who leaves bytes here does not wait so long
            return _TICK if chunks else pause
        self.deaf = True
        if chunks or self._cancels or self._missed:
            return _TICK
        return _LEADING_TICK if self.leading else -1

    def _drain(self) -> None:
        """Empty the pipe: zeros are pokes, other bytes the numbers of signals that came.

        The kernel may have given such a signal to another thread, which leaves the main thread,
        where Python handles it, asleep in its system call.
        """
        numbers = b""
        try:
            while len(piece := os.read(self._left_pipe, 512)) == 512:
                numbers += piece
            numbers += piece
        except BlockingIOError:
            pass
        signals = self._loop.signals
        if signals is not None and numbers.strip(signals.harmless):
            signals.interrupt_main()

    def _look(self) -> None:
        """One look at everything."""
        loop, outbox = self._loop, self._loop.outbox
        if self.wanted:
            self.wanted = self.leading = loop.taken = False
            self._handed.release()
        if outbox.chunks and monotonic() - outbox.last > QUIET:
            outbox.trickle(self._has_room)
        if self._cancels or self._missed:
            self._press_cancels()
        if not self._warm and (loop.calls > _WARM_CALLS or outbox.writes > _WARM_WRITES):
            self._warm = True
            loop.warm_up()
        if loop.eof or outbox.gone:
            self._look_for_host()
        if loop.ending in ("signal", "gone") and loop.running is not None:
            self._press_stop()
        if self.leading:
            return
        seen = (loop.calls, loop.running)
        same = seen == self._seen
        self._seen = seen
        if self._urgent or (same and not loop.waiting):
            self._urgent = False
            self._take_over()
        if self.leading:
            return
        self._still = self._still + 1 if same else 0
        self._tick = _TICK if same else min(2 * self._tick, _LONG_TICK)
        self._doubt = not loop.waiting  # others than last time, but the one that runs may be long
        if self._still >= _PATIENCE and loop.waiting and not outbox.chunks:
            self._still = 0
            self.parked = True
            # The main thread may have begun a call without seeing this: look once more.
            if not loop.waiting:
                self.parked = False

    def _take_over(self) -> None:
        """Begin to read in the main thread's stead, unless it reads itself."""
        loop = self._loop
        if not loop.waiting and not loop.ending and not loop.eof:
            loop.taken = True
            if loop.waiting:  # it was about to: it may have seen ``taken``, or not
                loop.taken = False
            else:
                self.leading = True

    def _read(self) -> None:
        loop = self._loop
        data = os.read(loop.reader, _CHUNK)
        if data:
            loop.feed(loop.connection.receive_data(data))
        else:
            loop.at_eof()
        if loop.outbox.chunks:
            loop.outbox.trickle(self._has_room)

    def _has_room(self) -> bool:
        if sys.platform == "win32":
            raise NotImplementedError
        ready = self._room_poll.poll(0)
        return bool(ready) and bool(ready[0][1] & select.POLLOUT)

    def _press_cancels(self) -> None:
        for _ in range(len(self._missed)):
            from bridgekit.backend.control import cancel

            cancel(self._loop, self._missed.pop(0), again=True)
        now = monotonic()
        for entry in list(self._cancels):
            due, call, interrupt = entry
            if call.done or call.raised:
                self._cancels.remove(entry)
            elif now >= due:
                interrupt(call)

    def _interrupt_main(self, call: Any) -> None:
        loop = self._loop
        running = loop.running
        if running is call or (running is call.origin and running is not None):
            call.interrupt = True
            if loop.signals is not None:
                loop.signals.interrupt_main()
        elif call.origin is not None:  # it ended before it could be told
            call.done = True

    def _press_stop(self) -> None:
        """A method runs that must make room for the end: interrupt it until it does."""
        now = monotonic()
        if not self._stop_since:
            self._stop_since = now
        elif now - self._stop_since > _STOP_GRACE:
            text = "bridgekit: a method did not stop within {:g} s; the stop hook is not run\n"
            os.write(2, text.format(_STOP_GRACE).encode())
            os._exit(143)
        if self._loop.signals is not None:
            self._loop.signals.interrupt_main()

    def _look_for_host(self) -> None:
        """The host says no more. If it does not listen either it is gone, and so are we."""
        loop, now = self._loop, monotonic()
        if not self._gone_since:
            if not loop.outbox.gone and not self._host_hung_up():
                return
            self._gone_since = now
            self._unwatch_host()
            loop.stop("gone")
            if loop.signals is not None:
                loop.signals.interrupt_main()
        elif now - self._gone_since > _LAST_MOMENT:
            os._exit(0)

    def _host_hung_up(self) -> bool:
        return bool(self._hangup_poll.poll(0))

    def _unwatch_host(self) -> None:
        if self._loop.eof:
            self._idle_poll.unregister(self._loop.outbox.descriptor)
