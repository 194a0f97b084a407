"""One process generation: launched, greeted, watched, stopped or found dead, and never again.

A worker owns the child, its session and its channel. Everything that can end it leads to
:meth:`Worker._finish`, which runs once: it reads what the process left behind, fails the calls
that are still open and closes every descriptor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from bridgekit.errors import BackendError
from bridgekit.host import launchers
from bridgekit.host.exposed import Exposed
from bridgekit.host.generation import LAST_WORDS, MUTE, WIRE_GRACE, Generation
from bridgekit.host.goodbye import Goodbye
from bridgekit.host.guarding import carry_on, each
from bridgekit.host.output import StderrEvent
from bridgekit.host.shutdown import stop_steps
from bridgekit.policy.pooling import Worker as Place
from bridgekit.wire.messages import Request

if TYPE_CHECKING:
    from bridgekit.host.driving import Driver
    from bridgekit.host.events import Router
    from bridgekit.host.starting import Starter
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Worker"]

_HOST_CALLS = 1000
"""Calls to asynchronous host functions that may run at once for one backend."""


class Worker(Generation):
    """A child process on an event loop."""

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
        super().__init__(spec, plan, driver, place)
        self.exited = anyio.Event()
        self._tasks = tasks
        self._exposed = exposed
        self._ready = anyio.Event()
        self._router = router.tap(self._log.event)
        self.event = self._router.dispatch  # type: ignore[method-assign]
        self.burst = self._router.dispatch_many  # type: ignore[method-assign]
        self._cancel_kill: Callable[[], None] | None = None
        self._host_calls = 0
        self._changed = anyio.Event()
        self.session = self.make_session()
        # Last, so that nothing can fail any more with a process running.
        self.child = launchers.launch(plan)
        self._log.pid = self.child.pid
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
        self._driver.unresponsive(self, self._too_long(method))

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
        self._cancel_kill = self.channel.call_later(WIRE_GRACE, self._kill_mute)

    def _kill_mute(self) -> None:
        if not self.child.poll():
            self.kill_for(MUTE)

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
            lambda: channel.read_rest(LAST_WORDS),
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
        next_restart = None
        self._note_exit()
        with carry_on(self.name):
            next_restart = self._driver.ended(self)
        self.session.fail_all(self._obituary(next_restart))

    def _read_stderr_rest(self) -> None:
        limit = LAST_WORDS
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
