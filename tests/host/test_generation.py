"""What is told of a process: why it did not start, how it ended, and who killed it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit import BackendDied, BackendSpec, BackendStartError, DecodeError
from bridgekit.host.generation import Generation
from bridgekit.host.oom import OOM
from bridgekit.host.planning import plan_of
from bridgekit.policy.pooling import Worker
from bridgekit.policy.seats import Seat
from bridgekit.wire.messages import Event
from tests.host.support import MENU


class Child:
    """A process that only pretends."""

    pid = 7
    ended = True
    returncode: int | None = 3
    signal_name: str | None = None

    def __init__(self) -> None:
        self.told: list[str] = []

    def kill(self) -> None:
        self.told.append("kill")

    def stop(self) -> None:
        self.told.append("stop")

    def describe_exit(self) -> str:
        return "exit code 3" if self.signal_name is None else f"killed by {self.signal_name}"


class Process(Generation):
    """A generation of no face in particular."""

    def event(self, event: Event, cost: int) -> None:
        pass

    def burst(self, events: list[Event], cost: int) -> None:
        pass


@pytest.fixture
def process() -> Process:
    spec = BackendSpec(MENU, start_timeout=5.0, cancel_grace=2.0)
    driver: Any = None
    made = Process(spec, plan_of(spec, "menu"), driver, Worker(Seat(0, "duty"), 1, 0.0))
    made.child = Child()  # type: ignore[assignment]
    made.session = made.make_session()
    return made


def died(process: Process, signal: str | None = None) -> None:
    process.child.signal_name = signal  # type: ignore[misc]
    process._note_exit()


def test_its_session_is_made_as_its_spec_says(process: Process) -> None:
    assert process.session.name == "menu"
    assert process.session.state == "starting"
    assert process.session.hooks is process


def test_silence_is_explained_by_the_time_it_took_and_by_what_it_printed(process: Process) -> None:
    assert process._silence() == "it did not answer within 5 s"
    process.session.garbage += b"Welcome!"
    assert process._silence() == "it did not answer within 5 s; it printed 'Welcome!' to stdout"
    process.start_error = ValueError("refused")
    assert process._silence() == "refused"


def test_a_start_that_failed_is_explained_once(process: Process) -> None:
    process.start_error = ValueError("refused")
    failure = process._start_failure()
    assert isinstance(failure, BackendStartError)
    assert failure.__cause__ is process.start_error
    process.start_error = BackendStartError("known", backend="menu")
    assert process._start_failure() is process.start_error


def test_who_kills_it_says_why_unless_it_is_being_stopped(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process.kill_for("it is hung")
    assert "backend 'menu': it is hung" in caplog.text
    about = vars(caplog.records[0])
    assert (about["backend"], about["pid"]) == ("menu", process.child.pid)
    caplog.clear()
    process.stopping = True
    process.kill_for("it is still hung")
    assert not caplog.text
    assert process.child.told == ["kill", "kill"]  # type: ignore[attr-defined]
    process.freeze()
    assert process.frozen


def test_its_end_is_told_in_one_line(process: Process) -> None:
    process._tail.feed(b"first\nmy last words\n")
    assert process.reason == "it ended before it was ready (gone); it last wrote: my last words"
    died(process)
    assert (
        process.reason == "it ended before it was ready (exit code 3); it last wrote: my last words"
    )
    process.session.state = "ready"
    assert process.reason == "exit code 3; it last wrote: my last words"
    process.stopping = True
    assert process.reason == "exit code 3"
    process._why = "it is hung"
    assert process.reason == "it is hung; it last wrote: my last words"
    process.worker.doom = "told elsewhere"
    assert process.reason == "exit code 3"


@pytest.mark.parametrize(
    ("signal", "ours", "kills", "says"),
    [
        (None, False, 1, "exit code 3"),
        ("SIGSEGV", False, 1, "killed by SIGSEGV"),
        ("SIGKILL", False, 0, "killed by SIGKILL"),
        ("SIGKILL", True, 1, "killed by SIGKILL"),
        ("SIGKILL", False, 1, OOM),
    ],
)
def test_a_kill_that_was_not_ours_may_have_been_the_kernels(
    process: Process,
    monkeypatch: pytest.MonkeyPatch,
    signal: str | None,
    ours: bool,
    kills: int,
    says: str,
) -> None:
    if ours:
        process.kill_for("it is hung")
    monkeypatch.setattr(process, "oom", SimpleNamespace(struck=kills > 0))
    died(process, signal)
    assert process.last_exit is not None
    assert process.last_exit.description == says
    assert process.last_exit.signal == signal


def test_calls_get_an_obituary_of_their_own_each(process: Process) -> None:
    died(process)
    starting = process._obituary(None)
    assert isinstance(starting(), BackendStartError)
    assert starting() is starting()  # the one that the start raises, too
    process.session.state = "ready"
    make = process._obituary(0.5)
    assert make() is not make()
    error = make()
    assert isinstance(error, BackendDied)
    assert error.next_restart == 0.5
    assert "exit code 3" in str(error)
    process._why = "it is hung"
    assert "it is hung" in str(process._obituary(None)())
    process.stopping = True
    assert "stopped by its host" in str(process._obituary(None)())


def test_frames_that_are_no_messages_are_logged(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process.malformed(DecodeError("not even close"))
    assert "backend 'menu' sent what is no message: not even close" in caplog.text


def test_a_call_that_did_not_end_is_named(process: Process) -> None:
    assert process._too_long("add") == (
        "it had not ended the call 'add' 2 s after its cancellation, so its host killed it"
    )


def test_every_face_makes_its_processes_of_this() -> None:
    from bridgekit.blocking.worker import Worker as Blocking
    from bridgekit.host.worker import Worker as Async

    assert issubclass(Blocking, Generation)
    assert issubclass(Async, Generation)
