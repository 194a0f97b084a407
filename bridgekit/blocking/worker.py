"""One process generation under threads: launched, greeted, watched, stopped or found dead.

Whatever happens to it happens in the janitor's thread. Everything that can end it leads to
:meth:`Worker._finish`, which runs once: it reads what the process left behind, fails the calls
that are still open and closes every descriptor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from bridgekit.blocking import janitor, pipes
from bridgekit.blocking.channel import Channel
from bridgekit.blocking.hostcalls import HostCalls
from bridgekit.blocking.stopping import Walk
from bridgekit.errors import BackendError, ProtocolError
from bridgekit.host import launchers
from bridgekit.host.generation import LAST_WORDS, MUTE, WIRE_GRACE, Generation
from bridgekit.host.goodbye import Goodbye
from bridgekit.host.guarding import carry_on, each
from bridgekit.host.lifeline import forget_after_fork
from bridgekit.host.output import StderrEvent
from bridgekit.wire.bursts import Run
from bridgekit.wire.messages import Event, Request

if TYPE_CHECKING:
    from bridgekit.blocking.driving import BlockingDriver
    from bridgekit.blocking.hearing import Hearing
    from bridgekit.policy.pooling import Worker as Place
    from bridgekit.policy.spec import BackendSpec

__all__ = ["Worker", "disowned"]

_READ = 65536
_HOLD = 0.005
"""Seconds that stderr is left alone while the handlers of its events are behind."""


class Worker(Generation):
    """A child process among threads. Hooks of the session run with the channel's lock held."""

    _driver: BlockingDriver

    def __init__(
        self,
        spec: BackendSpec,
        plan: launchers.LaunchPlan,
        hearing: Hearing,
        driver: BlockingDriver,
        place: Place,
    ) -> None:
        super().__init__(spec, plan, driver, place)
        self._hearing = hearing
        self._greeted = self._mute = False
        self._walk: Walk | None = None
        self.session = self.make_session()
        self._janitor = janitor.hire()
        try:
            self.child = launchers.launch(plan)
        except BaseException:
            self._janitor.dismiss()
            raise
        self._log.pid = self.child.pid
        self.channel: Channel = Channel(self.session, self.child, self._janitor, self._on_lost)
        self.channel.worker = place
        self._host_calls = HostCalls(plan.name, hearing.exposed, self.channel)
        hearing.callbacks.attach(self.channel)
        # Weak: it would outlive a quick process by far.
        self._limit = partial(_call, WeakMethod(self._on_overdue))
        forget_after_fork(self)

    # -- start ---------------------------------------------------------------------------------

    def greet(self) -> None:
        """Begin the handshake; what becomes of it is told to the driver."""
        channel, child, servant = self.channel, self.child, self._janitor
        servant.watch(child.stderr, self._on_stderr)
        servant.watch(child.exit_fd, self._on_exit)
        channel.send(lambda: self.session.outgoing.append(self.session.hello()))
        channel.attend()
        servant.at(self.started_at + self.spec.start_timeout, self._limit)

    def ready(self, error: Exception | None) -> None:
        self.start_error = error
        self._janitor.soon(self._on_ready)

    def _on_ready(self) -> None:
        if self.session.state == "ready":
            self._greeted = True
            self._janitor.never(self._limit)
            self._driver.run(lambda: self._driver.ready(self))
        elif self.ended_at is None:
            self._fail_to_start()

    def _on_overdue(self) -> None:
        if self.session.state == "starting" and not self.stopping:
            self._fail_to_start()

    def _fail_to_start(self) -> None:
        self._why = self._why or self._silence()
        self._kill()
        self.begin_stop(0.0)

    # -- what the session says -------------------------------------------------------------------

    def event(self, event: Event, cost: int) -> None:
        self._hearing.event(event, cost, self._log)

    def burst(self, events: list[Event] | Run, cost: int) -> None:
        self._hearing.burst(events, cost)

    def request(self, request: Request) -> None:
        self._host_calls.put(request)

    def knows(self, request: Request) -> bool:
        """Whether :meth:`request` was given this one last."""
        return self._host_calls.last is request

    def unresponsive(self, method: str, call_id: Any) -> None:
        if self.frozen:  # it cannot: its time begins again when it goes on
            self._overdue.append((call_id, method))
            return
        driver, why = self._driver, self._too_long(method)
        self._janitor.soon(lambda: driver.run(lambda: driver.unresponsive(self, why)))

    # -- what the child does, in the janitor's thread ------------------------------------------------

    def _on_stderr(self) -> None:
        try:
            data = pipes.read(self.child.stderr, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._janitor.unwatch(self.child.stderr)
            pipes.forget(self.child.stderr)
            self.child.close_stderr()
            return
        self._take_stderr(data)
        if self.channel.congested and not self.channel.eased():
            self._janitor.unwatch(self.child.stderr)
            self._janitor.at(time.monotonic() + _HOLD, self._on_stderr_again)

    def _on_stderr_again(self) -> None:
        if self.child.stderr < 0:
            return
        if self.channel.congested and not self.channel.eased():
            self._janitor.at(time.monotonic() + _HOLD, self._on_stderr_again)
        else:
            self._janitor.watch(self.child.stderr, self._on_stderr)

    def _take_stderr(self, data: bytes) -> None:
        lines = self._tail.feed(data)
        text = self._stderr_text.decode(data)
        self._hearing.lines(lines, self._log)
        if text:
            self._hearing.event(StderrEvent(text), len(data), None)

    def _on_lost(self) -> None:
        """The wire has ended: the process has too, or is about to, or is of no use any more."""
        if self.child.poll():
            self._on_exit()
        elif not self._mute and not self.stopping:
            self._mute = True
            self._driver.run(lambda: self._driver.lost(self))
            self._janitor.at(time.monotonic() + WIRE_GRACE, self._kill_mute)

    def _kill_mute(self) -> None:
        if not self.child.poll():
            self.kill_for(MUTE)

    def _on_exit(self) -> None:
        if not self.child.poll():  # its end may be seen just before its status is there
            return
        self._janitor.unwatch(self.child.exit_fd)
        if self.channel.end():
            self._finish()

    def _finish(self) -> None:
        """The process has ended and nobody reads its wire: settle everything, close everything."""
        child, servant = self.child, self._janitor
        if self.channel.closed:
            return
        each(
            self.name,
            lambda: servant.unwatch(child.exit_fd),
            lambda: servant.never(self._limit),
            self._read_stderr_rest,
            self._tell_of_the_end,
            self.channel.close,
            lambda: self._hearing.callbacks.detach(self.channel),
            lambda: pipes.forget(child.stdin, child.stdout, child.stderr, child.exit_fd),
            child.close,
            self._host_calls.close,
            self._tell_driver,
            servant.dismiss,
        )

    def _tell_driver(self) -> None:
        failure = None if self._greeted else self._start_failure()
        self._driver.run(lambda: self._driver.over_with(self, failure))

    def _tell_of_the_end(self) -> None:
        if self.ended_at is not None:
            return
        self.ended_at = time.monotonic()
        next_restart = None
        self._note_exit()
        with carry_on(self.name):
            next_restart = self._driver.run(lambda: self._driver.ended(self))
        # Its error is made outside of the lock: a death is logged, by handlers of the user's.
        make_error = self._obituary(next_restart)
        with self.channel.lock:
            self.session.fail_all(make_error)

    def _read_stderr_rest(self) -> None:
        limit = LAST_WORDS
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
        self._hearing.lines(self._tail.close(), self._log)
        self._hearing.end_log(self._log)

    # -- stop: called with the hub's lock held -----------------------------------------------------

    def begin_stop(self, grace: float) -> None:
        """Stop the process within ``grace`` seconds; what comes of it is told to the driver.

        Called again, it takes that much time from now on, if that is less.
        """
        self.stopping = True
        if self._walk is None:
            self._walk = Walk(self, grace)
        else:
            self._walk.hurry(grace)
        self._janitor.soon(self._walk_on)

    def _walk_on(self) -> None:
        assert self._walk is not None
        due = self._walk.advance()
        if due is not None:
            self._janitor.at(due, self._walk_on)

    def force(self) -> None:
        """SIGKILL to the group."""
        self._kill()

    def thaw(self) -> None:
        """Let it go on."""
        if not self.frozen:
            return
        self.frozen = False
        self.child.resume()
        with self.channel.lock:
            for call_id, method in self._overdue:
                self.session.spare(call_id, method)
            self._overdue.clear()
        self.channel.tick()

    def say_goodbye(self) -> Goodbye | None:
        """Ask it to shut down; refuse new calls from here on. None when it cannot be asked."""
        name = self.name
        goodbye = Goodbye(self._on_goodbye)
        try:
            if self.channel.full:  # it would stand behind what nobody reads
                return None
            self.channel.send(lambda: self.session.outgoing.append(self.session.open(goodbye)))
        except (BackendError, ProtocolError):
            return None
        finally:
            self.channel.refuse(
                lambda: BackendError(f"backend {name!r} was stopped by its host", backend=name)
            )
        self.channel.attend()
        return goodbye

    def _on_goodbye(self) -> None:  # a hook of the session
        self._janitor.soon(self._on_answer)

    def _on_answer(self) -> None:
        assert self._walk is not None
        self._walk.answered()
        self._walk_on()

    def give_up(self) -> None:
        """It survived SIGKILL for seconds, stuck inside the kernel: go on without it."""
        self._why = "it could not be killed: it is stuck inside the kernel"
        each(self.name, self._tell_of_the_end, self._tell_driver)

    def disown(self) -> None:
        """This is a forked copy: the child is another process's, and calls are refused."""
        self.session.refuse(disowned(self.name))
        self.channel.disown()
        self.ended_at = time.monotonic()


def _call(weak: WeakMethod[Callable[[], None]]) -> None:
    method = weak()
    if method is not None:
        method()


def disowned(name: str) -> Any:
    """Return what makes the error of calls to ``name`` in a process forked from its owner."""
    owner = os.getppid()
    return lambda: BackendError(
        f"backend {name!r} belongs to process {owner}, which this process was forked "
        "from; start a manager of its own here",
        backend=name,
    )
