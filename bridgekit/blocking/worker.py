"""One process generation under threads: launched, greeted, watched, stopped or found dead.

Everything that can end it leads to :meth:`Worker._finish`, which runs once, in the janitor's
thread: it reads what the process left behind, fails the calls that are still open and closes
every descriptor.
"""

from __future__ import annotations

import codecs
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking import janitor, pipes
from bridgekit.blocking.calls import Call, release
from bridgekit.blocking.channel import Channel
from bridgekit.blocking.hostcalls import HostCalls
from bridgekit.blocking.stopping import Walk, stop_all
from bridgekit.errors import BackendDied, BackendError, BackendStartError, ProtocolError
from bridgekit.host import launchers
from bridgekit.host.diagnosis import explain_start_failure
from bridgekit.host.hooks import Hooks
from bridgekit.host.lifeline import forget_after_fork
from bridgekit.host.output import OUTPUT, OutputLog
from bridgekit.host.session import Session
from bridgekit.host.tail import Tail
from bridgekit.policy.status import LastExit
from bridgekit.wire.messages import Event, Request

if TYPE_CHECKING:
    from bridgekit.blocking.callbacks import Callbacks
    from bridgekit.host.events import Router
    from bridgekit.host.exposed import Exposed
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Worker"]

_READ = 65536
_LAST_WORDS = 4 * 1024 * 1024
"""Bytes of stderr that are read after the end of the process."""
_WIRE_GRACE = 0.5
"""Seconds between the end of the wire and the end of the process before it is killed."""
_LAST_HANDLERS = 2.0
"""Seconds that event handlers have to take the last events after the end."""

logger = logging.getLogger("bridgekit")


class _Goodbye(Call):
    """The ``shutdown`` command; any answer will do."""

    __slots__ = ("worker",)

    def __init__(self, worker: Worker) -> None:
        super().__init__("shutdown", None, None)
        self.worker = worker

    def settle(self, result: Any) -> None:
        super().settle(result)
        self.worker.nudge()

    def fail(self, error: Exception) -> None:
        super().fail(error)
        self.worker.nudge()


class _Ready:
    """Somebody who waits for the end of the handshake."""

    done = False
    waiter: Any = None


class Worker(Hooks):
    """A child process with everything around it; call :meth:`start` and in the end :meth:`stop`."""

    def __init__(
        self,
        spec: BackendSpec,
        plan: launchers.LaunchPlan,
        router: Router,
        exposed: Exposed,
        callbacks: Callbacks,
        on_exit: Callable[[Worker], None],
    ) -> None:
        self.spec = spec
        self.plan = plan
        self.name = plan.name
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.last_exit: LastExit | None = None
        self.stopping = False
        self.exited = threading.Event()
        self.listeners: set[threading.Event] = set()
        self._router = router
        self.burst = router.dispatch_many  # type: ignore[method-assign]
        self._callbacks = callbacks
        self._on_exit_hook = on_exit
        self._ready = _Ready()
        self._start_error: Exception | None = None
        self._why = ""
        self._tail = Tail()
        self._stderr_text = codecs.getincrementaldecoder("utf-8")("replace")
        self._log = OutputLog(plan.name)
        self._mute = False
        self._walk: Walk | None = None
        self._walk_lock = threading.Lock()
        self.child = launchers.launch(plan)
        self._janitor = janitor.hire()
        self.session = Session(
            plan.name,
            self,
            spec.wire,
            cancel_grace=spec.cancel_grace,
            hello=spec.hello,
            max_frame=spec.max_frame,
        )
        self.channel = Channel(self.session, self.child, self._janitor, self._on_lost)
        self._host_calls = HostCalls(plan.name, exposed, self.channel)
        callbacks.attach(self.channel)
        forget_after_fork(self)

    # -- start ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Greet the child; raise BackendStartError, with nothing left running, if that fails."""
        channel, child = self.channel, self.child
        deadline = self.started_at + self.spec.start_timeout
        self._janitor.watch(child.stderr, self._on_stderr)
        self._janitor.watch(child.exit_fd, self._on_exit)
        try:
            channel.send(lambda: self.session.outgoing.append(self.session.hello()))
            channel.wait(self._ready, deadline)
        except BaseException:
            self._abort()
            raise
        if self.session.state == "ready":
            channel.attend()
            return
        self._why = self._why or self._silence()
        self._abort()
        raise self._start_failure()

    def _abort(self) -> None:
        self.stop(0.0)

    def ready(self, error: Exception | None) -> None:
        self._start_error = error
        self._ready.done = True
        release(self._ready)

    def _silence(self) -> str:
        if self._start_error is not None:
            return str(self._start_error)
        text = f"it did not answer within {self.spec.start_timeout:g} s"
        if self.session.garbage:
            text += f" (it printed {self.session.garbage[:200]!r} to stdout)"
        return text

    def _start_failure(self) -> Exception:
        error = self._start_error
        if isinstance(error, BackendStartError):
            return error
        failure = explain_start_failure(self.plan, self.child, self._tail.text, self._why)
        failure.__cause__ = error
        return failure

    # -- what the session says, with the channel's lock held ---------------------------------------

    def event(self, event: Event, cost: int) -> None:
        self._router.dispatch(event, cost)
        if event.topic.startswith("$/") and self._log.wants(event):
            self._callbacks.put(self._log.event, event, cost)

    def request(self, request: Request) -> None:
        self._host_calls.put(request)

    def knows(self, request: Request) -> bool:
        """Whether :meth:`request` was given this one last."""
        return self._host_calls.last is request

    def unresponsive(self, method: str, call_id: Any) -> None:
        self._why = (
            f"it had not ended the call {method!r} {self.spec.cancel_grace:g} s after its "
            "cancellation, so its host killed it"
        )
        logger.warning("backend %r: %s", self.name, self._why)
        self.child.kill()

    def malformed(self, error: ProtocolError) -> None:
        logger.warning("backend %r sent what is no message: %s", self.name, error)

    # -- what the child does, in the janitor's thread ------------------------------------------------

    def _on_stderr(self) -> None:
        try:
            data = pipes.read(self.child.stderr, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take_stderr(data)
        else:
            self._janitor.unwatch(self.child.stderr)
            pipes.forget(self.child.stderr)
            self.child.close_stderr()
        if self.channel.congested:
            self._callbacks.relieve()

    def _take_stderr(self, data: bytes) -> None:
        lines = self._tail.feed(data)
        text = self._stderr_text.decode(data)
        with self.channel.lock:
            if self._log.enabled:
                for line in lines:
                    self._callbacks.put(self._log.line, line, len(line))
            if text:
                event = Event(OUTPUT, {"stream": "stderr", "text": text})
                self._router.dispatch(event, len(data))

    def _on_lost(self) -> None:
        """The wire has ended: the process has too, or is about to, or is of no use any more."""
        if self.child.poll():
            self._on_exit()
        elif not self._mute and not self.stopping:
            self._mute = True
            self._janitor.at(time.monotonic() + _WIRE_GRACE, self._kill_mute)

    def _kill_mute(self) -> None:
        if not self.child.poll():
            self._why = "it closed its end of the wire and lived on, so its host killed it"
            self.child.kill()

    def _on_exit(self) -> None:
        if not self.child.poll():  # its end may be seen just before its status is there
            return
        self._janitor.unwatch(self.child.exit_fd)
        if self.channel.end():
            self._finish()

    def _finish(self) -> None:
        """The process has ended and nobody reads its wire: settle everything, close everything."""
        if self.ended_at is not None:
            return
        self.ended_at = time.monotonic()
        child = self.child
        self._janitor.unwatch(child.exit_fd)
        self._read_stderr_rest()
        self.last_exit = LastExit(child.returncode, child.signal_name, child.describe_exit())
        with self.channel.lock:
            self.session.fail_all(self._obituary())
        self.channel.close()
        pipes.forget(child.stdin, child.stdout, child.stderr, child.exit_fd)
        child.close()
        self._on_exit_hook(self)
        self._janitor.dismiss()
        self._host_calls.close()
        self.exited.set()
        self.nudge()

    def _read_stderr_rest(self) -> None:
        limit = _LAST_WORDS
        pipes.drain(self.child.stderr)
        if self.child.stderr >= 0:
            self._janitor.unwatch(self.child.stderr)
        while limit > 0 and self.child.stderr >= 0:
            try:
                data = pipes.read(self.child.stderr, _READ)
            except OSError:
                break
            if not data:
                break
            limit -= len(data)
            self._take_stderr(data)
        if self._log.enabled:
            with self.channel.lock:
                for line in self._tail.close():
                    self._callbacks.put(self._log.line, line, len(line))

    def _obituary(self) -> Callable[[], Exception]:
        """Return what makes the error of each call that the process did not live to answer."""
        how = self.last_exit.description if self.last_exit is not None else "gone"
        running = self.session.running
        if self.session.state == "starting":
            why = self._why or f"it ended before it was ready ({how})"
            error = explain_start_failure(self.plan, self.child, self._tail.text, why)
            return lambda: error
        if self.stopping:
            story = f"backend {self.name!r} was stopped by its host ({how})"
        else:
            story = f"backend {self.name!r} (pid {self.child.pid}) died: {self._why or how}"
            self._callbacks.put(lambda text: logger.warning("%s", text), story, 0)
        if running:
            names = ", ".join(dict.fromkeys(running))
            story += f"; in flight: {names[:500]}"
        text = self._tail.text.rstrip()
        if text and not self.stopping:
            story += "; its stderr ends with:\n" + text
        return lambda: BackendDied(
            story,
            backend=self.name,
            pid=self.child.pid,
            exit_code=self.child.returncode,
            signal=self.child.signal_name,
            stderr=self._tail.text,
            running=running,
        )

    # -- stop ------------------------------------------------------------------------------------

    def stop(self, grace: float | None = None) -> None:
        """Stop the process and return when it has ended. Any number of threads may call it."""
        stop_all([self], grace)

    def walk_down(self, grace: float | None) -> Walk:
        """Return the walk down the ladder that all who stop this backend share."""
        self.stopping = True
        seconds = self.spec.stop_grace if grace is None else grace
        with self._walk_lock:
            if self._walk is None:
                self._walk = Walk(self, seconds)
            elif grace is not None:
                self._walk.hurry(seconds)
            return self._walk

    def say_goodbye(self) -> Call | None:
        """Ask it to shut down; refuse new calls from here on. None when it cannot be asked."""
        goodbye = _Goodbye(self)
        name = self.name
        try:
            if self.channel.full:  # it would wait, for ever, behind what nobody reads
                return None
            self.channel.start(goodbye)
        except (BackendError, ProtocolError):
            return None
        finally:
            self.channel.refuse(
                lambda: BackendError(f"backend {name!r} was stopped by its host", backend=name)
            )
        self.channel.attend()
        return goodbye

    def give_up(self) -> None:
        """It survived SIGKILL for seconds, stuck inside the kernel: go on without it."""
        self._why = "it could not be killed: it is stuck inside the kernel"
        with self.channel.lock:
            self.session.fail_all(self._obituary())
        self.exited.set()
        self.nudge()

    def nudge(self) -> None:
        """Wake whoever stops this backend."""
        for event in tuple(self.listeners):
            event.set()

    def disown(self) -> None:
        """This is a forked copy: the child is another process's, and calls are refused."""
        name, owner = self.name, os.getppid()
        self.session.refuse(
            lambda: BackendError(
                f"backend {name!r} belongs to process {owner}, which this process was forked "
                "from; start a manager of its own here",
                backend=name,
            )
        )
        self.channel.disown()
        self._callbacks.disown()
        self.ended_at = time.monotonic()
        self.exited = threading.Event()
        self.exited.set()
