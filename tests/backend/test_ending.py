"""The end in order: hook, answer, a moment in which the last commands are still known."""

from __future__ import annotations

import pytest

from tests.backend.conftest import Start

BODY = """
def on_stop(self):
    self.state["stops"] = self.state.get("stops", 0) + 1
    self.send_event("stopped", self.state["stops"])

def add(self, a):
    return a + 1

def quit(self):
    self._running = False
    return "bye"

def sleep(self):
    self.send_event("asleep")
    time.sleep(60)

@expose(concurrent=True)
def beside(self):
    self.send_event("asleep")
    while True:
        pass

@expose(concurrent=True)
def deaf(self):
    self.send_event("asleep")
    time.sleep(60)

@expose(concurrent=True)
def nap(self, n):
    return n

def rows(self, n):
    try:
        for number in range(n):
            yield number
    finally:
        self.send_event("closed")
    return "end"

def stubborn_rows(self):
    while True:
        try:
            yield 1
        except GeneratorExit:
            self.send_event("cleaning")
            time.sleep(60)

def end_before_the_next_wait(self):
    from bridgekit.backend import call
    loop, signal = call._main.loop, __import__("signal")
    attend = loop._attend

    def attend_and_end():
        if attend():
            return True
        signal.raise_signal(signal.SIGTERM)
        return False

    loop._attend = attend_and_end

def prints(self):
    import atexit
    atexit.register(lambda: print("at exit"))
"""

PATIENT = """
from bridgekit.backend import ending, streams
ending._CLEAN_UP = streams._LAST_MOMENT = 600.0
del ending, streams
"""
"""A backend that would take longer than its test for what should be done at once."""


def test_the_hook_runs_before_shutdown_is_answered(start: Start) -> None:
    host = start(BODY)
    call = host.start("shutdown")
    reply = host.reply(call)
    assert reply["result"] == {"status": "shutdown"}
    assert host.events("stopped")[0]["result"] == 1
    assert host.wait() == 0


def test_for_a_moment_the_last_commands_are_answered(start: Start) -> None:
    host = start(BODY)
    host.call("shutdown")
    assert host.call("shutdown") == {"status": "shutdown"}
    assert host.call("ready")["status"] == "ready"
    assert host.call("$/ping")["busy"] is False
    assert host.failure("add", [1])["code"] == "shutting_down"
    assert host.wait() == 0
    assert [each["result"] for each in host.events("stopped")] == [1]


def test_the_end_of_input_cuts_that_moment_short(start: Start) -> None:
    host = start(BODY)
    host.call("shutdown")
    host.close_stdin()
    assert host.wait() == 0


def test_an_overridden_shutdown_is_what_is_answered(start: Start) -> None:
    host = start(BODY + "def shutdown(self):\n    return {'saved': True}\n")
    assert host.call("shutdown") == {"saved": True}
    assert host.call("shutdown") == {"saved": True}
    assert host.wait() == 0
    assert len(host.events("stopped")) == 1


def test_a_shutdown_that_fails_is_told_and_ends_it_all_the_same(start: Start) -> None:
    host = start(BODY + "def shutdown(self):\n    raise ValueError('not saved')\n")
    assert host.failure("shutdown")["error"] == "not saved"
    host.close_stdin()
    assert host.wait() == 0


def test_a_hook_that_fails_is_told_and_is_no_success(start: Start) -> None:
    host = start("def on_stop(self):\n    raise ValueError('not stopped')\n")
    host.close_stdin()
    assert host.wait() == 1
    assert "ValueError: not stopped" in host.errors()


def test_a_hook_that_fails_in_a_shutdown_is_the_answer_and_told_all_the_same(start: Start) -> None:
    host = start("def on_stop(self):\n    raise ValueError('not stopped')\n")
    assert host.failure("shutdown")["error"] == "not stopped"
    assert host.call("shutdown") == {"status": "shutdown"}
    assert host.wait() == 1
    assert host.errors().count("ValueError: not stopped") == 1


def test_setting_running_to_false_ends_it_after_the_reply_hook_and_all(start: Start) -> None:
    host = start(BODY)
    call, waiting = host.start("quit"), host.start("add", [1])
    assert host.reply(call)["result"] == "bye"
    assert host.reply(waiting)["code"] == "shutting_down"
    assert host.event("stopped")["result"] == 1
    assert host.wait() == 0


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
@pytest.mark.parametrize("name", ["beside", "deaf"])
def test_calls_on_other_threads_are_answered(start: Start, name: str) -> None:
    host = start(BODY)
    call = host.start(name)
    host.event("asleep")
    host.call("shutdown")
    assert host.reply(call)["code"] in ("shutting_down", "cancelled")
    assert host.wait() == 0


def test_what_is_printed_after_the_end_goes_to_stderr(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("prints")
    host.call("shutdown")
    assert host.wait() == 0
    assert host.events("$/output") == []
    assert host.errors() == "at exit\n"


def test_an_error_in_the_start_hook_ends_it_before_it_is_ready(start: Start) -> None:
    with pytest.raises(AssertionError, match="RuntimeError: cannot start"):
        start("def on_start(self):\n    raise RuntimeError('cannot start')\n")


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
def test_a_batch_that_still_runs_is_answered_item_by_item(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("$/batch", {"cmd": "deaf", "first": 500, "params": [None, None]})
    done = host.start("$/batch", {"cmd": "nap", "first": 600, "params": [[1], [2]]})
    assert host.reply(done)["result"] == [[1], [2]]
    host.event("asleep")
    host.event("asleep")
    host.call("shutdown")
    result = host.reply(call)["result"]
    assert {each["error"]["code"] for each in result} <= {"shutting_down", "cancelled"}
    assert len(result) == 2
    assert host.wait() == 0
    assert not [frame for frame in host.frames if frame.get("id") in (500, 501)]


def test_a_stream_asked_for_before_the_shutdown_is_served(start: Start) -> None:
    host = start(BODY, hello=True)
    host.write(b'{"id":8,"cmd":"rows","params":[3]}\n{"id":9,"cmd":"shutdown"}\n')
    assert host.reply(8)["result"] == "end"
    assert len(host.events("$/item")) == 3
    assert host.reply(9)["result"] == {"status": "shutdown"}
    assert host.wait() == 0


def test_a_stream_that_waits_for_its_consumer_is_closed_at_once(start: Start) -> None:
    host = start(PATIENT + BODY, hello=True)
    call = host.start("rows", [1000])
    host.wait_for(lambda frame: frame.get("cmd") == "$/item" and frame["result"]["seq"] == 64)
    host.signal()
    assert host.reply(call)["code"] == "shutting_down"
    assert host.event("closed")
    assert host.wait() == 0


def test_a_stream_that_does_not_let_itself_be_closed_is_interrupted(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("stubborn_rows")
    host.wait_for(lambda frame: frame.get("cmd") == "$/item" and frame["result"]["seq"] == 64)
    host.signal()
    host.event("cleaning")
    assert host.reply(call)["code"] == "shutting_down"
    assert host.wait() == 0


def test_so_it_is_when_the_signal_comes_just_before_the_wait(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("end_before_the_next_wait")
    call = host.start("stubborn_rows")
    host.event("cleaning")
    assert host.reply(call)["code"] == "shutting_down"
    assert host.wait() == 0
