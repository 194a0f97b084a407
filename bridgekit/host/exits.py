"""Noticing that a child process has ended, and collecting its exit status.

The exit is noticed by waiting on the process, never by waiting for a pipe to close: a
grandchild may hold the pipe for hours. An :class:`ExitWatch` has a descriptor that any event
loop can watch; collecting never blocks, and tolerates that other code in this program has
already taken the status with a ``waitpid`` of its own.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import NamedTuple, Protocol

__all__ = ["UNKNOWN", "Exit", "ExitWatch", "Watch", "readable"]


class Exit(NamedTuple):
    """How a process ended: its status, negative for a signal; None where nobody can know."""

    code: int | None


UNKNOWN = Exit(None)


class ExitWatch:
    """Watches one child: ``descriptor`` becomes readable when it has ended.

    That is a pidfd on Linux, a kqueue on macOS (written, never run by the test machines),
    elsewhere a pipe that a waiting thread writes to. Use it only in the process that
    started the child; call :meth:`close` in the end.
    """

    __slots__ = ("_pid", "_pidfd", "descriptor")

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._pidfd = False
        self.descriptor = self._open()

    def collect(self) -> Exit | None:
        """Take the exit status; None while the process still runs. Ask only once more after."""
        if sys.platform == "win32":
            raise NotImplementedError
        try:
            if sys.platform == "linux" and self._pidfd:
                info = os.waitid(os.P_PIDFD, self.descriptor, os.WEXITED | os.WNOHANG)
                if info is None:
                    return None
                exited = info.si_code == os.CLD_EXITED
                return Exit(info.si_status if exited else -info.si_status)
            found, status = os.waitpid(self._pid, os.WNOHANG)
            return Exit(os.waitstatus_to_exitcode(status)) if found else None
        except ChildProcessError:
            # Not our child any more: somebody else waited for it, or SIGCHLD is ignored.
            return UNKNOWN if self.ended() else None

    def ended(self) -> bool:
        """Whether the process has ended; its status may still be there to collect."""
        return readable(self.descriptor, 0.0)

    def wait(self, timeout: float | None) -> bool:
        """Block until it has ended, at most ``timeout`` seconds; return whether it has."""
        return readable(self.descriptor, timeout)

    def holds_number(self) -> bool:
        """Whether the ended process still occupies its number, so that no other can have it."""
        if sys.platform != "linux" or not self._pidfd:
            return True
        try:
            kind = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PIDFD, self.descriptor, kind) is not None
        except ChildProcessError:
            return False

    def close(self) -> None:
        """Close the descriptor."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self) -> int:
        if sys.platform == "linux" and hasattr(os, "pidfd_open"):
            try:
                descriptor = os.pidfd_open(self._pid)
            except ProcessLookupError:
                return _readable_pipe()
            except OSError:  # a kernel before 5.3, or a sandbox that forbids it
                pass
            else:
                self._pidfd = True
                return descriptor
        if sys.platform == "darwin":  # pragma: no cover
            return _kqueue_descriptor(self._pid)
        return _thread_descriptor(self._pid)


class Watch(Protocol):
    """What a :class:`ChildProcess` needs of an :class:`ExitWatch`; Windows has its own."""

    @property
    def descriptor(self) -> int: ...

    def collect(self) -> Exit | None: ...
    def ended(self) -> bool: ...
    def wait(self, timeout: float | None) -> bool: ...
    def holds_number(self) -> bool: ...
    def close(self) -> None: ...


def readable(descriptor: int, timeout: float | None) -> bool:
    """Wait at most ``timeout`` seconds (None: for ever) until ``descriptor`` is readable."""
    if sys.platform == "win32":
        raise NotImplementedError
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(None if timeout is None else max(0.0, timeout) * 1000))


def _readable_pipe() -> int:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    os.close(writer)
    return reader


def _thread_descriptor(pid: int) -> int:
    reader, writer = os.pipe()

    def wait() -> None:
        if sys.platform not in ("darwin", "win32"):
            try:
                # WNOWAIT leaves the status for collect().
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            except OSError:
                pass
        # A byte, not only a close: a forked sibling may hold a copy of the writing end.
        os.write(writer, b"x")
        os.close(writer)

    threading.Thread(target=wait, name=f"bridgekit-wait-{pid}", daemon=True).start()
    return reader


if sys.platform == "darwin":  # pragma: no cover

    def _kqueue_descriptor(pid: int) -> int:
        queue = select.kqueue()
        event = select.kevent(
            pid,
            filter=select.KQ_FILTER_PROC,
            flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
            fflags=select.KQ_NOTE_EXIT,
        )
        try:
            queue.control([event], 0)
            return os.dup(queue.fileno())
        except ProcessLookupError:
            return _readable_pipe()
        finally:
            queue.close()
