"""Every call gets one answer, and whoever waits for the last of them hears of it."""

from __future__ import annotations

from _thread import allocate_lock
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit import PythonBridge
from bridgekit.backend.call import Call, CurrentCalls
from bridgekit.backend.dispatch import build_table
from bridgekit.backend.settling import Settling
from bridgekit.errors import Cancelled
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Failure, Message, Response
from tests.backend.conftest import Start


class Bridge(PythonBridge):
    def __init__(self) -> None:
        self.stopped = 0

    def add(self, a: int, b: int) -> int:
        return a + b

    def free(self, a, b):  # type: ignore[no-untyped-def]
        return a, b

    def on_stop(self) -> None:
        self.stopped += 1


class FakeLoop(Settling):
    """The part of a loop that settling needs."""

    def __init__(self) -> None:
        self.bridge = Bridge()
        self.methods = build_table(self.bridge, PythonBridge)
        self.connection = Connection("native", "backend")
        self.host = Connection("native", "host")
        self.active = {}
        self.streams = []
        self.errors = self.status = 0
        self.ending = None
        self.hook_ran = self.resting = False
        self.rest = allocate_lock()
        self.rest.acquire()
        self.running = self.call = self.signals = None
        self.began = 0.0
        self.main = 0
        self.flushed = 0
        self.outbox = SimpleNamespace(flush=self.flush, abandon=self.flush)
        self.wire = SimpleNamespace(capture=SimpleNamespace(emit=print), reader=-1, writer=-1)
        self.current = CurrentCalls(self)  # type: ignore[arg-type]

    def flush(self) -> None:
        self.flushed += 1

    def stop(self, reason: str, status: int = 0) -> None:
        self.ending = reason

    def said(self, data: bytes) -> Message:
        (message,) = self.host.receive_data(data)
        return message

    def refused(self, data: bytes) -> Failure:
        message = self.said(data)
        assert isinstance(message, Failure)
        return message

    def begin(self, call_id: int = 1) -> Call:
        call = Call(self, call_id, self.methods["add"])
        self.active[call_id] = call
        return call


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> FakeLoop:
    from bridgekit.backend import call

    monkeypatch.setattr(call, "_main", call._main)  # each loop puts itself there
    return FakeLoop()


def test_a_call_on_the_main_thread_that_failed_is_over(loop: FakeLoop) -> None:
    entry = loop.running = (1, "add", [1, 2], None)
    call = loop.current.of(entry)
    failure = loop.refused(loop.failed(entry, ValueError("no")))
    assert (failure.id, failure.error, failure.type) == (1, "no", "ValueError")
    assert call.done
    assert loop.running is None
    assert loop.errors == 1


def test_parameters_that_do_not_fit_are_explained(loop: FakeLoop) -> None:
    from bridgekit.backend.invoke import invoke

    call = Call(loop, 1, loop.methods["free"])
    params = {"a": 1}
    with pytest.raises(TypeError) as caught:
        invoke(loop.methods["free"], params)
    assert type(caught.value) is TypeError  # Python's own
    failure = loop.failure(call, caught.value, params)
    assert failure.code == "invalid_params"
    assert "b" in failure.error


def test_an_end_that_interrupts_a_call_is_told_from_a_cancel(loop: FakeLoop) -> None:
    call = loop.begin()
    assert loop.failure(call, Cancelled("now")).code == "cancelled"
    loop.ending = "signal"
    assert loop.failure(call, Cancelled("now")).code == "shutting_down"
    assert loop.failure(call, ValueError("own")).code is None
    call._cancelled = True
    assert loop.failure(call, Cancelled("now")).code == "cancelled"


def test_data_that_cannot_be_sent_is_left_out(loop: FakeLoop) -> None:
    failure = loop.refused(loop.send_failure(Failure(1, "no", "own", data=object())))
    assert failure.error.startswith("no (its data could not be sent: ")
    assert (failure.code, failure.data) == ("own", None)


def test_an_id_that_cannot_be_sent_is_left_out(loop: FakeLoop) -> None:
    for call_id in (float("inf"), [float("inf")]):
        failure = loop.refused(loop.send_failure(Failure(call_id, "no", "own")))
        assert (failure.id, failure.code) == (None, "own")
        assert failure.error.startswith("no (it has no id, because id")


INFINITE = """
def add(self, a: int, b: int):
    print("adding")
    return a + b

def rows(self):
    yield 1
    yield 2

@expose(concurrent=True)
def told(self):
    current_call().progress(0.5)
    current_call().log("half")
    return 1
"""


@pytest.mark.parametrize("hello", [False, True])
def test_a_backend_survives_numbers_that_are_infinite(start: Start, hello: bool) -> None:
    host = start(INFINITE, hello=hello)
    for frame in (
        b'{"id":1e999,"cmd":"rows"}',
        b'{"id":[1e999],"cmd":"told"}',
        b'{"id":1e999,"cmd":"add","params":[1,2]}',
        b'{"id":1e999,"cmd":"nothing"}',
        b'{"id":7,"cmd":"add","params":[1,2],"timeout":1' + b"0" * 400 + b"}",
    ):
        host.write(frame + b"\n")
    assert host.call("add", [40, 2]) == 42


def test_a_request_that_is_no_call_is_refused(loop: FakeLoop) -> None:
    failure = loop.refused(loop.refusal("x", ValueError("no")))
    assert (failure.id, failure.error) == ("x", "no")
    assert loop.errors == 1


def test_a_result_and_one_that_cannot_be_sent(loop: FakeLoop) -> None:
    call = loop.begin()
    assert loop.said(loop.settle(call, [1])) == Response(1, [1])
    assert not call.done  # until it has been sent
    assert loop.refused(loop.settle(call, object())).code == "unserialisable"


class Batch:
    """Collects; refuses what is no plain text."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def put(self, call: Call, outcome: Any) -> None:
        if object in map(type, outcome if type(outcome) is list else outcome["error"].values()):
            raise ValueError("not plain")
        self.got.append(outcome)


def test_a_call_of_a_batch_is_answered_with_the_batch(loop: FakeLoop) -> None:
    call = loop.begin()
    call.batch = Batch()
    assert loop.settle(call, 5) == b""
    assert loop.settle(call, object()) == b""
    assert loop.settle_error(call, KeyError("k")) == b""
    error = ValueError("no")
    error.data = object()  # type: ignore[attr-defined]
    assert loop.settle_error(call, error) == b""
    value, unsendable, raised, without = call.batch.got
    assert value == [5]
    assert unsendable["error"]["error"] == "not plain"
    assert raised["error"]["type"] == "KeyError"
    assert without["error"]["error"] == "no (its data could not be sent: not plain)"


def test_the_last_call_wakes_whoever_waits_for_it(loop: FakeLoop) -> None:
    first, second, third = (loop.begin(n) for n in (1, 2, 3))
    loop.forget(first)
    assert first.done
    loop.resting = True
    loop.forget(second)
    assert loop.rest.locked()
    loop.forget(third)
    assert not loop.rest.locked()
    loop.forget(third)  # nobody waits any more


def test_two_threads_may_both_be_the_last(loop: FakeLoop) -> None:
    loop.resting = True

    def late() -> None:
        raise RuntimeError("release unlocked lock")

    loop.rest = SimpleNamespace(locked=lambda: True, release=late)
    loop.forget(loop.begin())
    assert loop.active == {}


def test_the_stop_hook_runs_once_and_before_the_answer(loop: FakeLoop) -> None:
    assert loop.shut_down() == {"status": "shutdown"}
    assert loop.ending == "shutdown"
    assert loop.bridge.stopped == 1
    loop.run_stop_hook()
    assert loop.bridge.stopped == 1


def test_a_stop_hook_that_raises_is_told_and_fails_the_answer(
    loop: FakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("sys.excepthook", lambda *error: told.append(error[1]))
    error = ValueError("not stopped")

    def fail() -> None:
        raise error

    loop.bridge.on_stop = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="not stopped"):
        loop.shut_down()
    assert (told, loop.status) == ([error], 1)
    assert loop.shut_down() == {"status": "shutdown"}


def test_closing_lets_go_of_stdout_and_signals(loop: FakeLoop) -> None:
    loop.close()
    assert loop.wire.capture.emit is None
    assert loop.flushed == 1
    restored: list[int] = []
    loop.signals = SimpleNamespace(restore=lambda: restored.append(1))
    loop.close()
    assert restored == [1]


def test_a_forked_copy_lets_go_of_everything(loop: FakeLoop) -> None:
    loop.forked()
    assert (loop.ending, loop.hook_ran, loop.flushed) == ("forked", True, 1)
    assert loop.wire.capture.emit is None
    restored: list[str] = []
    loop.signals = SimpleNamespace(
        restore=lambda: restored.append("handlers"), let_go=lambda: restored.append("mask")
    )
    loop.forked()
    assert restored == ["handlers", "mask"]
    assert loop.bridge.stopped == 0


def test_a_forked_copy_of_a_backend_keeps_off_the_wire(start: Start) -> None:
    host = start(
        """
def split(self):
    pid = os.fork()
    if not pid:
        print("the copy talks")
        self.send_event("copy")
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
""",
        hello=True,
    )
    assert host.call("split") == 7
    assert host.call("split") == 7
    assert host.frames == []


EXHAUSTING = """
kept = []

def _limit(self):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

def exhaust(self):
    self._limit()
    files = []
    while True:
        files.append(open(os.devnull))

def hoard(self):
    self._limit()
    while True:
        self.kept.append(open(os.devnull))

def pid(self):
    return os.getpid()
"""


@pytest.mark.parametrize("method", ["exhaust", "hoard"])
def test_a_method_that_opens_all_files_fails_and_the_backend_lives(
    start: Start, method: str
) -> None:
    """The code that explains failures is loaded at the first one, and needs a descriptor."""
    host = start(EXHAUSTING, hello=True)
    reply = host.failure(method)
    assert "Too many open files" in reply["error"]
    assert reply["type"] == "OSError"
    # What only the method's own frames held is free again, and its lines can be read.
    assert ("files.append(open(os.devnull))" in reply.get("traceback", "")) is (method == "exhaust")
    assert host.call("pid") == host.process.pid


def test_an_error_that_cannot_even_be_told_apart() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    loop = FakeLoop()
    loop._explained = broken_explanation  # type: ignore[method-assign]
    call = loop.current.of((1, loop.methods["add"], None, None))  # type: ignore[arg-type]
    assert loop.failure(call, Mute()).error == "<the text of Mute could not be made>"
    assert loop.failure(call, ValueError("told")).error == "told"


def broken_explanation(*_: Any) -> Failure:
    raise OSError(24, "Too many open files")


def test_a_failure_that_is_too_large_is_told_briefly() -> None:
    loop = FakeLoop()
    loop.connection.limit_sending(1024)
    failure = Failure(5, "é" * 2000, code=7, data=["d" * 2000], type="E", traceback="t" * 2000)
    (told,) = loop.host.receive_data(loop.send_failure(failure))
    assert isinstance(told, Failure)
    assert (told.id, told.code, told.type, told.data, told.traceback) == (5, 7, "E", None, None)
    assert told.error.startswith("é" * 50)
    assert told.error.endswith("...")
    failure = Failure(5, "short", traceback="t" * 2000)
    (told,) = loop.host.receive_data(loop.send_failure(failure))
    assert told == Failure(5, "short")


def test_a_failure_whose_id_does_not_fit_is_told_without_it() -> None:
    loop = FakeLoop()
    loop.connection.limit_sending(1024)
    (told,) = loop.host.receive_data(loop.send_failure(Failure("i" * 2000, "wrong")))
    assert told == Failure(None, "an answer was too large", "frame_too_large")
