"""One process generation: launched, greeted, watched, stopped or found dead, and never again.

A worker owns the child, its session and its channel. Everything that can end it leads to
:meth:`Worker._finish`, which runs once: it reads what the process left behind, fails the calls
that are still open and closes every descriptor.
"""

from __future__ import annotations

import codecs
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from bridgekit.errors import BackendError, BackendStartError, ProtocolError
from bridgekit.host import launchers
from bridgekit.host.diagnosis import explain_start_failure
from bridgekit.host.exposed import Exposed
from bridgekit.host.goodbye import Goodbye
from bridgekit.host.guarding import carry_on, each
from bridgekit.host.obituary import last_line, obituary
from bridgekit.host.oom import OOM, oom_kills
from bridgekit.host.output import OutputLog, StderrEvent
from bridgekit.host.session import Hooks, Session
from bridgekit.host.shutdown import stop_steps
from bridgekit.host.tail import Tail
from bridgekit.policy.pooling import Worker as Place
from bridgekit.policy.status import LastExit
from bridgekit.wire.messages import Request

if TYPE_CHECKING:
    from bridgekit.host.driving import Driver
    from bridgekit.host.entries import Entry
    from bridgekit.host.events import Router
    from bridgekit.host.starting import Starter
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Worker"]

_LAST_WORDS = 4 * 1024 * 1024
"""Bytes of the wire, and of stderr, that are read after the end of the process."""
_WIRE_GRACE = 0.5
"""Seconds between the end of the wire and the end of the process before it is killed."""
_HOST_CALLS = 1000
"""Calls to asynchronous host functions that may run at once for one backend."""

logger = logging.getLogger("bridgekit")


class Worker(Hooks):
    """A child process with everything around it, in the ``place`` that its supervisor gave it.

    ``entries`` are the calls at it that may be sent to another worker when it dies.
    """

    def __init__(
        self,
        spec: BackendSpec,
        plan: launchers.LaunchPlan,
        tasks: Starter,
        router: Router,
        exposed: Exposed,
        driver: Driver,
        place: Place,
    ) -> None:
        self.spec = spec
        self.plan = plan
        self.worker = place
        self.entries: dict[Entry, None] = {}
        self.frozen = False
        self.name = plan.name
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.last_exit: LastExit | None = None
        self.stopping = False
        self.exited = anyio.Event()
        self._tasks = tasks
        self._exposed = exposed
        self._driver = driver
        self._ready = anyio.Event()
        self.start_error: Exception | None = None
        self._why = ""
        self._killed = False
        self._overdue: list[tuple[Any, str]] = []
        self._oom_kills = oom_kills()
        self._tail = Tail()
        self._stderr_text = codecs.getincrementaldecoder("utf-8")("replace")
        self._log = OutputLog(plan.name)
        self._router = router.tap(self._log.event)
        self.event = self._router.dispatch  # type: ignore[method-assign]
        self.burst = self._router.dispatch_many  # type: ignore[method-assign]
        self._cancel_kill: Callable[[], None] | None = None
        self._host_calls = 0
        self._changed = anyio.Event()
        self.session = Session(
            plan.name,
            self,
            spec.wire,
            cancel_grace=spec.cancel_grace,
            hello=spec.hello,
            max_frame=spec.max_frame,
        )
        # Last, so that nothing can fail any more with a process running.
        self.child = launchers.launch(plan)
        self.channel = tasks.channel(self.session, self.child, tasks, self._on_lost)

    # -- start ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Greet the child; raise BackendStartError, with nothing left running, if that fails."""
        channel, child, driver = self.channel, self.child, self._driver
        channel.start()
        channel.watch(child.stderr, self._on_stderr)
        channel.watch_exit(self._on_exit)
        channel.write(self.session.hello())
        channel.arm()
        try:
            with anyio.move_on_after(self.spec.start_timeout):
                await self._ready.wait()
            if self.session.state == "ready":
                driver.ready(self)
                return
        except BaseException:
            await self.kill()
            raise
        self._why = self._why or self._silence()
        await self.kill()
        raise self._start_failure()

    def ready(self, error: Exception | None) -> None:
        self.start_error = error
        self._ready.set()

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

    # -- what the session says -------------------------------------------------------------------

    def request(self, request: Request) -> None:
        session = self.session
        try:
            result = self._exposed.invoke(request.method, request.params)
            if hasattr(result, "__await__"):
                if self._host_calls >= _HOST_CALLS:
                    result.close()
                    raise BackendError(f"the host already runs {_HOST_CALLS} calls of yours")
                self._host_calls += 1
                self._tasks.start_soon(self._answer, request, result)
                return
        except Exception as error:
            session.reply_error(request.id, error)
        else:
            session.reply(request.id, result)

    async def _answer(self, request: Request, result: Any) -> None:
        session = self.session
        try:
            session.reply(request.id, await result)
        except Exception as error:
            session.reply_error(request.id, error)
        finally:
            self._host_calls -= 1
        if session.outgoing:
            self.channel.write(session.take_outgoing())

    def unresponsive(self, method: str, call_id: Any) -> None:
        if self.frozen:  # it cannot: its time begins again when it goes on
            self._overdue.append((call_id, method))
            return
        why = (
            f"it had not ended the call {method!r} {self.spec.cancel_grace:g} s after its "
            "cancellation, so its host killed it"
        )
        self._driver.unresponsive(self, why)

    def malformed(self, error: ProtocolError) -> None:
        logger.warning("backend %r sent what is no message: %s", self.name, error)

    # -- what the child does ---------------------------------------------------------------------

    def _on_stderr(self) -> None:
        try:
            data = self.channel.read(self.child.stderr)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take_stderr(data)
        else:
            self.channel.unwatch(self.child.stderr)
            self.child.close_stderr()

    def _take_stderr(self, data: bytes) -> None:
        for line in self._tail.feed(data):
            self._log.line(line)
        text = self._stderr_text.decode(data)
        if text:
            self._router.dispatch(StderrEvent(text), len(data))

    def _on_lost(self) -> None:
        """The child closed its end of the wire: it is about to end, or of no use any more."""
        if self.stopping or self.exited.is_set() or self._cancel_kill is not None:
            return
        self._driver.lost(self)
        self._cancel_kill = self.channel.call_later(_WIRE_GRACE, self._kill_mute)

    def _kill_mute(self) -> None:
        if not self.child.poll():
            self.kill_for("it closed its end of the wire and lived on, so its host killed it")

    def kill_for(self, why: str) -> None:
        """Kill the process group at once; ``why`` is told with its death."""
        if not self.stopping:
            self._why = why
            logger.warning("backend %r: %s", self.name, why)
        self._kill()

    def _kill(self) -> None:
        self._killed = True
        self.child.kill()

    def freeze(self) -> None:
        """Stop the process group where it stands (SIGSTOP); BackendError where that cannot be."""
        self.child.stop()
        self.frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        if not self.frozen:
            return
        self.frozen = False
        self.child.resume()
        for call_id, method in self._overdue:
            self.session.spare(call_id, method)
        self._overdue.clear()
        self.channel.arm()

    def _on_exit(self) -> None:
        if self.child.poll():
            self._finish()

    def _finish(self) -> None:
        """The process has ended (or cannot be waited for): settle everything, close everything."""
        if self.ended_at is not None:
            return
        self.ended_at = time.monotonic()
        channel, child = self.channel, self.child
        if self._cancel_kill is not None:
            self._cancel_kill()
        each(
            self.name,
            channel.unwatch_exit,
            lambda: channel.read_rest(_LAST_WORDS),
            self._read_stderr_rest,
            self._log.close,
            self._router.close,
            self._tell_of_the_end,
            channel.close,
            child.close,
        )
        self.exited.set()
        self._changed.set()
        self._driver.gone(self)

    def _tell_of_the_end(self) -> None:
        child, next_restart = self.child, None
        self.last_exit = LastExit(child.returncode, child.signal_name, self._how())
        with carry_on(self.name):
            next_restart = self._driver.ended(self)
        self.session.fail_all(self._obituary(next_restart))

    def _how(self) -> str:
        """How it ended, in words; a kill that was not ours may have been the kernel's."""
        how = self.child.describe_exit()
        if self.child.signal_name == "SIGKILL" and not self._killed:
            return OOM if oom_kills() > self._oom_kills else how
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

    def _read_stderr_rest(self) -> None:
        limit = _LAST_WORDS
        if self.child.stderr >= 0:
            self.channel.unwatch(self.child.stderr)
        while limit > 0 and self.child.stderr >= 0:
            try:
                data = self.channel.read(self.child.stderr)
            except OSError:
                break
            if not data:
                break
            limit -= len(data)
            self._take_stderr(data)
        for line in self._tail.close():
            self._log.line(line)

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

    # -- stop ------------------------------------------------------------------------------------

    async def kill(self) -> None:
        """Stop at once, without a goodbye, and wait for its end, cancelled or not."""
        self._kill()
        self.begin_stop(0.0)
        with anyio.CancelScope(shield=True):
            await self.exited.wait()

    def begin_stop(self, grace: float) -> None:
        """Stop the process within ``grace`` seconds; what comes of it is told to the driver."""
        if not self.stopping and not self.exited.is_set():
            self.stopping = True
            self._tasks.start_soon(self._walk_down, grace)
        elif grace <= 0:
            self._kill()  # somebody's patient stop is under way: cut it short

    async def _walk_down(self, grace: float) -> None:
        polite = self.session.state == "ready"
        with anyio.CancelScope(shield=True):
            for step in stop_steps(grace, polite=polite):
                if self.child.poll() or self.exited.is_set():
                    break
                self._changed = anyio.Event()
                self._act(step.action)
                if step.wait > 0:
                    with anyio.move_on_after(step.wait):
                        await self._changed.wait()
            self._finish()

    def _act(self, action: str) -> None:
        child = self.child
        if action == "goodbye":
            self._say_goodbye()
        elif action == "eof":
            self.channel.close_write()
        else:
            {"wake": child.resume, "terminate": child.terminate, "kill": self._kill}[action]()

    def _say_goodbye(self) -> None:
        """Ask it to shut down; new calls are refused from here on."""
        name = self.name
        changed = self._changed
        self.channel.write(self.session.open(Goodbye(changed.set)))
        self.session.refuse(
            lambda: BackendError(f"backend {name!r} was stopped by its host", backend=name)
        )
