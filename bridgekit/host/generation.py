"""One process generation, whichever face of the host runs it: what it is, and how its story goes.

A face subclasses :class:`Generation` with its ways to read, to wait and to stop, and makes
``child`` and ``channel`` last, when nothing can fail any more with a process running.
"""

from __future__ import annotations

import codecs
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.errors import BackendStartError, BridgeError, ProtocolError
from bridgekit.host.diagnosis import explain_start_failure
from bridgekit.host.hooks import Hooks
from bridgekit.host.obituary import last_line, obituary
from bridgekit.host.oom import OOM, OomWatch
from bridgekit.host.output import OutputLog
from bridgekit.host.session import Session
from bridgekit.host.tail import Tail
from bridgekit.policy.status import LastExit

if TYPE_CHECKING:
    from bridgekit.host.driving import Driver
    from bridgekit.host.entries import Entry
    from bridgekit.host.launchers import LaunchPlan
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.policy.pooling import Worker
    from bridgekit.policy.spec import BackendSpec

__all__ = ["LAST_WORDS", "MUTE", "WIRE_GRACE", "Generation"]

LAST_WORDS = 4 * 1024 * 1024
"""Bytes of the wire, and of stderr, that are read after the end of the process."""
WIRE_GRACE = 0.5
"""Seconds between the end of the wire and the end of the process before it is killed."""
MUTE = "it closed its end of the wire and lived on, so its host killed it"

logger = logging.getLogger("bridgekit")


class Generation(Hooks):
    """A child process with everything around it, in the place ``worker`` of its supervisor.

    ``entries`` are the calls at it that may be sent to another worker when it dies.
    """

    child: ChildProcess
    channel: Any

    def __init__(self, spec: BackendSpec, plan: LaunchPlan, driver: Driver, worker: Worker) -> None:
        self.spec = spec
        self.plan = plan
        self.worker = worker
        self.name = plan.name
        self.entries: dict[Entry, None] = {}
        self.frozen = False
        self.stopping = False
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.last_exit: LastExit | None = None
        self.start_error: Exception | None = None
        self._driver = driver
        self._why = ""
        self._killed = False
        self._overdue: list[tuple[Any, str]] = []
        self.oom = OomWatch()
        self._tail = Tail()
        self._stderr_text = codecs.getincrementaldecoder("utf-8")("replace")
        self._log = OutputLog(plan.name)

    def make_session(self) -> Session:
        """Return the session of this process; call it when ``event`` and ``burst`` are set.

        Raises BackendStartError when the wire needs a package that is not installed.
        """
        spec = self.spec
        try:
            return Session(
                self.name,
                self,
                spec.wire,
                cancel_grace=spec.cancel_grace,
                hello=spec.hello,
                max_frame=spec.max_frame,
            )
        except BridgeError as error:
            raise BackendStartError(error.message, backend=self.name) from error

    # -- what the session says -------------------------------------------------------------------

    def malformed(self, error: ProtocolError) -> None:
        about = {"backend": self.name, "pid": self.child.pid}
        logger.warning("backend %r sent what is no message: %s", self.name, error, extra=about)

    def _too_long(self, method: str) -> str:
        return (
            f"it had not ended the call {method!r} {self.spec.cancel_grace:g} s after its "
            "cancellation, so its host killed it"
        )

    # -- a start that fails ------------------------------------------------------------------------

    def _silence(self) -> str:
        if self.start_error is not None:
            return str(self.start_error)
        return f"it did not answer within {self.spec.start_timeout:g} s" + self._printed()

    def _printed(self) -> str:
        text = self.session.garbage[:200].decode("utf-8", "replace")
        return f"; it printed {text!r} to stdout" if text else ""

    def _start_failure(self) -> Exception:
        error = self.start_error
        if isinstance(error, BackendStartError):
            return error
        failure = explain_start_failure(self.plan, self.child, self._tail.text, self._why)
        failure.__cause__ = error
        return failure

    # -- force -------------------------------------------------------------------------------------

    def kill_for(self, why: str) -> None:
        """Kill the process group at once; ``why`` is told with its death."""
        if not self.stopping:
            self._why = why
            about = {"backend": self.name, "pid": self.child.pid}
            logger.warning("backend %r: %s", self.name, why, extra=about)
        self._kill()

    def _kill(self) -> None:
        self._killed = True
        self.child.kill()

    def freeze(self) -> None:
        """Stop the process group where it stands (SIGSTOP); BackendError where that cannot be."""
        self.child.stop()
        self.frozen = True

    # -- the story of its end ----------------------------------------------------------------------

    def _how(self) -> str:
        """How it ended, in words; a kill that was not ours may have been the kernel's."""
        how = self.child.describe_exit()
        if self.child.signal_name == "SIGKILL" and not self._killed:
            return OOM if self.oom.struck else how
        return how

    @property
    def reason(self) -> str:
        """What is told of its death in one line."""
        how = "gone" if self.last_exit is None else self.last_exit.description
        if self.worker.doom is None and self._why:
            how = self._why
        elif self.stopping:
            return how
        elif self.session.state == "starting":
            how = f"it ended before it was ready ({how})"
        return how + last_line(self._tail.text)

    def _note_exit(self) -> None:
        child = self.child
        self.last_exit = LastExit(child.returncode, child.signal_name, self._how())

    def _obituary(self, next_restart: float | None) -> Callable[[], Exception]:
        """Return what makes the error of each call that the process did not live to answer."""
        how = "gone" if self.last_exit is None else self.last_exit.description
        if self.session.state == "starting":
            why = self._why or f"it ended before it was ready ({how})" + self._printed()
            error = explain_start_failure(self.plan, self.child, self._tail.text, why)
            return lambda: error
        return obituary(
            self.name,
            self.child,
            how if self.stopping else self._why or how,
            running=self.session.running,
            stderr=self._tail.text,
            stopped=self.stopping,
            next_restart=next_restart,
        )

    session: Session
