"""The driver that every face shares, with a face that only pretends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bridgekit import BackendSpec, BackendStartError, QueueFull
from bridgekit.host.driving import Driver
from bridgekit.host.entries import Entry
from bridgekit.host.handshake import Peer
from bridgekit.host.hub import Hub
from bridgekit.host.launchers import LaunchPlan
from bridgekit.host.targets import Target
from bridgekit.policy.pooling import Worker


class Session:
    refuses = False
    plain = False
    failed = late = malformed = 0
    state = "ready"
    peer = Peer()

    def __init__(self) -> None:
        self.table = self
        self.pending: dict[Any, Any] = {}
        self.abandoned: dict[Any, Any] = {}
        self.afterwards: dict[Any, Any] = {}

    def oldest_deadline(self) -> float:
        return math.inf


class Process:
    """A process that does what it is told and remembers it."""

    start_error = None
    ended_at: float | None = None
    reason = "exit code 1"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.session = Session()
        self.entries: dict[Any, None] = {}
        self.child = self
        self.plan = LaunchPlan("echo", ("echo",), {}, None, Target("command", "echo", ("echo",)))
        self.oom = self
        self.pid = 7
        self.code = 1
        self.signal = None
        self.last_exit = self
        self.told: list[Any] = []

    def follow(self, pid: int) -> None:
        assert pid == self.pid

    def begin_stop(self, grace: float) -> None:
        self.told.append(("stop", grace))

    def kill_for(self, reason: str) -> None:
        self.told.append(("kill", reason))

    def freeze(self) -> None:
        self.told.append("freeze")

    def thaw(self) -> None:
        self.told.append("thaw")


class Sent:
    done = False
    timeout: float | None = None

    def __init__(self, number: int) -> None:
        self.id = number


class Face(Driver):
    def __init__(self, **options: Any) -> None:
        super().__init__("echo", BackendSpec("echo.py", **options), Hub(2))
        self.bad = False
        self.timer = math.inf
        self.refuse_launch: BackendStartError | None = None
        self.count = 0

    def launch(self, worker: Worker) -> Any:
        if self.refuse_launch is not None:
            raise self.refuse_launch
        return Process(worker)

    def write(self, process: Any, entry: Entry, seconds: float | None) -> Any:
        if process.session.refuses or entry.params == "bad":
            raise ValueError("cannot be sent")
        self.count += 1
        call = process.session.pending[self.count] = Sent(self.count)
        return call

    def set_timer(self, when: float) -> None:
        self.timer = when

    @property
    def process(self) -> Any:
        (process,) = self.processes
        return process

    def up(self) -> Face:
        self.supervisor.start(0.0)
        self.sync()
        self.ready(self.process)
        return self

    def answer(self, entry: Entry) -> None:
        worker: Any = entry.worker
        worker.handle.session.pending.pop(entry.call.id)
        self.free(worker)


class Call(Entry):
    def __init__(self, params: Any = None, **options: Any) -> None:
        super().__init__("add", params, 0.0, None, **options)

    def wake(self) -> None:
        pass


def test_calls_go_out_in_turn_and_those_that_cannot_be_sent_stop_nobody() -> None:
    face = Face().up()
    first, bad, worse, last = Call(), Call("bad"), Call("bad"), Call()
    for entry in (first, bad, worse, last):
        face.admit(entry)
    assert [bool(entry.call) for entry in (first, bad, worse, last)] == [True, False, False, False]
    face.answer(first)
    assert isinstance(bad.error, ValueError)
    assert isinstance(worse.error, ValueError)
    assert last.call is not None
    face.answer(last)
    assert face.pool.in_flight == 0


def test_a_session_that_refuses_costs_its_worker_and_no_call() -> None:
    face = Face(queue_limit=1).up()
    process = face.process
    process.session.refuses = True
    entry = Call()
    face.admit(entry)
    assert entry.ticket is not None
    assert entry.ticket.waiting
    assert process.told == [("kill", "its wire is broken")]
    with pytest.raises(QueueFull):
        face.admit(Call())


def test_what_was_given_up_holds_its_place() -> None:
    face = Face().up()
    entry = Call()
    face.admit(entry)
    worker: Any = entry.worker
    session = worker.handle.session
    session.abandoned[entry.call.id] = ("add", 5.0)
    face.left(worker, entry.call)
    assert worker.in_flight == 1
    session.afterwards.pop(entry.call.id)()
    assert worker.in_flight == 0


def test_a_launch_that_is_refused_counts_as_a_death() -> None:
    face = Face()
    face.refuse_launch = BackendStartError("echo.py: no such file")
    face.supervisor.start(0.0)
    face.sync()
    assert face.status().state == "failed"
    with pytest.raises(BackendStartError, match="no such file"):
        face.admit(Call())


def test_stop_pause_and_resume_reach_the_process() -> None:
    face = Face(stop_grace=3.0).up()
    face.supervisor.pause(0.0)
    face.sync()
    face.supervisor.resume(0.0)
    face.sync()
    face.freeze = False
    face.supervisor.pause(0.0)
    face.sync()
    face.supervisor.stop(0.0)
    face.sync()
    assert face.process.told == ["freeze", "thaw", ("stop", 3.0)]


def test_the_timer_is_set_while_a_call_runs_and_rests_otherwise() -> None:
    face = Face().up()
    assert face.timer == math.inf
    entry = Call()
    face.admit(entry)
    assert face.timer < math.inf
    face.answer(entry)
    face.timer = math.inf
    face.supervisor.look_at = 0.0
    face.tick()
    assert face.timer == math.inf


def test_replies_that_were_read_at_the_end_count_as_served() -> None:
    face = Face(restart="never").up()
    process = face.process
    entry = Call()
    face.admit(entry)
    process.session.pending.clear()  # its reply came, and nobody has looked at it yet
    face.ended(process)
    death = face.supervisor.last_death
    assert death is not None
    assert (death.served, death.in_flight) == (1, 0)
    process.ended_at = 1.0
    face.left(process.worker, entry.call)  # now somebody has: there is nothing left to free
    face.gone(process)
    assert not face.processes
