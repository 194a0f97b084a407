"""One child process of one generation: its pipes, its group, its end.

Launchers make it; the channels read and write its descriptors directly. It belongs to the
process that started it: a forked copy finds every descriptor closed and every method inert.
All methods may be called from any thread.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from bridgekit.errors import BackendError
from bridgekit.host.exits import UNKNOWN, ExitWatch, Watch
from bridgekit.host.lifeline import forget_after_fork

if TYPE_CHECKING:
    from bridgekit.host.launchers import LaunchPlan

__all__ = ["PIPE_SIZE", "ChildProcess", "describe_exit", "signal_name"]

PIPE_SIZE = 1024 * 1024
"""What a pipe's buffer is grown to, in bytes, once it has carried much at a time."""


def signal_name(code: int | None) -> str | None:
    """``"SIGKILL"`` for -9; None for an ordinary exit."""
    if code is None or code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def describe_exit(code: int | None) -> str:
    """The way a process ended, in words that fit into a sentence."""
    if code is None:
        return "exit status unknown (other code in this program waited for the process)"
    name = signal_name(code)
    return f"killed by {name}" if name else f"exit code {code}"


_CLOSE_WAIT = 1.0
"""Seconds that :meth:`ChildProcess.close` waits for a process it had to kill."""


class ChildProcess:
    """A started child.

    ``stdin``, ``stdout`` and ``stderr`` are the host's ends as raw, non-blocking descriptors, -1
    once closed. ``exit_fd`` becomes readable when the process has ended; call :meth:`poll` then.
    ``returncode`` is negative for a signal, None before the end or when nobody can know it.
    """

    def __init__(
        self,
        plan: LaunchPlan,
        process: subprocess.Popen[bytes],
        pipes: tuple[int, int, int],
        lifeline: int = -1,
        *,
        watch: Watch | None = None,
        own_group: bool = True,
    ) -> None:
        self.plan = plan
        self.name = plan.name
        self.pid = process.pid
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None
        self.ended = False
        self.forked = False
        self._process = process
        self._lifeline = lifeline
        self._own_group = own_group
        self._grown = False
        self._lock = threading.Lock()
        forget_after_fork(self)
        self._watch: Watch = watch or ExitWatch(process.pid)

    @property
    def exit_fd(self) -> int:
        """Readable when the process has ended; -1 after :meth:`close`."""
        return self._watch.descriptor

    @property
    def signal_name(self) -> str | None:
        """The signal that ended it, such as ``"SIGKILL"``, or None."""
        return signal_name(self.returncode)

    def describe_exit(self) -> str:
        """How it ended, in words."""
        return describe_exit(self.returncode) if self.ended else "still running"

    def poll(self) -> bool:
        """Whether the process has ended. Never blocks; collects the status when it has.

        What is left of its process group is killed then: no grandchild outlives a backend
        unless it made a session of its own.
        """
        with self._lock:
            if self.ended or self.forked:
                return True
            if not self._watch.ended():
                return False
            self._reap()
            return True

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it has ended, at most ``timeout`` seconds; return whether it has."""
        if self.ended or self.forked:
            return True
        self._watch.wait(timeout)
        return self.poll()

    def resume(self) -> None:
        """SIGCONT to the group, so that a stopped process can hear the rest."""
        self._signal("SIGCONT")

    def stop(self) -> None:
        """SIGSTOP to the group; raises BackendError where the system has no such signal."""
        if not hasattr(signal, "SIGSTOP"):
            raise BackendError(
                f"backend {self.name!r} cannot be stopped where it stands on this system; "
                "pause(freeze=False) gives it no more calls",
                backend=self.name,
                pid=self.pid,
            )
        self._signal("SIGSTOP")

    def terminate(self) -> None:
        """SIGTERM to the group; SIGCONT too, since a stopped process cannot act on it."""
        self._signal("SIGTERM")
        self._signal("SIGCONT")

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal("SIGKILL")

    def close_stdin(self) -> None:
        """End of file on the wire towards the child."""
        descriptor, self.stdin = self.stdin, -1
        _close(descriptor)

    def take_stdin(self) -> int:
        """Hand the descriptor over to who will close it; -1 if it is closed."""
        descriptor, self.stdin = self.stdin, -1
        return descriptor

    def close_stdout(self) -> None:
        """Close the wire from the child; stop watching the descriptor first."""
        descriptor, self.stdout = self.stdout, -1
        _close(descriptor)

    def close_stderr(self) -> None:
        """Close the child's stderr; stop watching the descriptor first."""
        descriptor, self.stderr = self.stderr, -1
        _close(descriptor)

    def close(self) -> None:
        """Close everything. A child that still runs is killed: its lifeline ends here."""
        if self.forked:
            return
        if not self.poll():
            self.kill()
            self.wait(_CLOSE_WAIT)
        self.close_stdin()
        self.close_stdout()
        self.close_stderr()
        with self._lock:
            self._close_lifeline()
        if self.ended:
            self._watch.close()
        else:  # stuck inside the kernel: collected by a thread whenever it comes back
            threading.Thread(
                target=self._collect_late, name=f"bridgekit-collect-{self.pid}", daemon=True
            ).start()

    def _collect_late(self) -> None:
        self.wait(None)
        self._watch.close()

    def grow_pipes(self) -> None:
        """Give both wire pipes a large buffer, where the system has one to spare.

        Meant for the first time that a pipe runs full: a megabyte for every idle child would
        use up the user's share of pipe memory (``/proc/sys/fs/pipe-user-pages-soft``).
        """
        if self._grown:
            return
        self._grown = True
        if sys.platform == "win32":  # there a pipe grows by itself
            return
        try:
            import fcntl

            for descriptor in (self.stdin, self.stdout):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        except (ImportError, AttributeError, OSError):
            pass

    def disown(self) -> None:
        """Drop every descriptor: this process is a forked copy of the one that owns the child."""
        self.forked = True
        self._lock = threading.Lock()
        self.close_stdin()
        self.close_stdout()
        self.close_stderr()
        self._close_lifeline()
        self._watch.close()
        self._process.returncode = 0  # keeps subprocess from waiting for it in this process

    def __repr__(self) -> str:
        return f"<ChildProcess {self.name!r} pid={self.pid} {self.describe_exit()}>"

    def __del__(self) -> None:
        # A start that failed half-way must not leave a process or a descriptor behind.
        if getattr(self, "_watch", None) is not None and not self.forked and not self.ended:
            self.close()
            self._process.returncode = self._process.returncode or 0

    def _signal(self, name: str) -> None:
        number = getattr(signal, name, None)
        if number is None:  # pragma: no cover - Windows has no SIGCONT and no SIGKILL
            if name == "SIGCONT":
                return
            number = signal.SIGTERM
        with self._lock:
            # Not ended yet, so neither the process nor its group can be somebody else's.
            if self.ended or self.forked or self._watch.ended():
                return
            try:
                if self._own_group and sys.platform != "win32":
                    os.killpg(self.pid, number)
                else:
                    self._process.send_signal(number)
            except (ProcessLookupError, PermissionError):
                pass

    def _reap(self) -> None:
        if self._own_group:
            self._kill_rest_of_group()
        self.returncode = (self._watch.collect() or UNKNOWN).code
        self._process.returncode = 0 if self.returncode is None else self.returncode
        self.ended = True
        self._close_lifeline()

    def _kill_rest_of_group(self) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        try:
            if not self._watch.holds_number():
                os.getpgid(self.pid)  # raises when no process has the number: a safe group
                return
        except ProcessLookupError:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def _close_lifeline(self) -> None:
        descriptor, self._lifeline = self._lifeline, -1
        _close(descriptor)


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        try:
            os.close(descriptor)
        except OSError:
            pass
