"""The control lane is answered whatever the main thread is doing."""

from __future__ import annotations

import pytest

from tests.backend.conftest import Start

BUSY = """
def add(self, a, b=1):
    return a + b

def sleep(self):
    time.sleep(60)

def spin(self):
    while True:
        pass

def swallow(self):
    try:
        time.sleep(60)
    except Exception:
        return "swallowed"

def tidy(self):
    try:
        time.sleep(60)
    finally:
        self.state["tidied"] = True

def polite(self):
    call = current_call()
    while not call.cancelled:
        time.sleep(0.002)
    return "as far as I got"

def stubborn(self):
    call = current_call()
    while True:
        call.cancelled

@expose(cancel="flag")
def flagged(self):
    call = current_call()
    self.send_event("started")
    while not call.cancelled:
        time.sleep(0.002)
    return "flagged"

def get(self, key):
    return self.state.get(key)

def told(self):
    self.send_event("started")
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["sleep", "spin"])
def test_a_ping_is_answered_while_a_method_runs(start: Start, name: str) -> None:
    host = start(BUSY)
    call = host.start(name)
    queued = host.start("add", [1])
    host.settle()
    answer = host.call("$/ping")
    while answer["running"] != [call]:  # the ping may overtake the call that came with it
        answer = host.call("$/ping")
    assert answer == {"busy": True, "running": [call], "queued": 1}
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"
    assert host.reply(queued)["result"] == 2
    assert host.call("$/ping") == {"busy": False, "running": [], "queued": 0}


@pytest.mark.parametrize("name", ["sleep", "spin", "swallow", "told", "stubborn"])
def test_cancelling_raises_in_the_running_method(start: Start, name: str) -> None:
    host = start(BUSY)
    call = host.start(name)
    host.settle()
    host.cancel(call)
    reply = host.reply(call)
    assert (reply["code"], reply["type"]) == ("cancelled", "Cancelled")
    assert "traceback" not in reply
    assert host.call("add", [1]) == 2


def test_a_cancelled_method_cleans_up(start: Start) -> None:
    host = start(BUSY)
    call = host.start("tidy")
    host.settle()
    host.cancel(call)
    host.reply(call)
    assert host.call("get", ["tidied"]) is True


def test_a_method_that_looks_at_the_flag_stops_by_itself(start: Start) -> None:
    host = start(BUSY)
    call = host.start("polite")
    host.settle()
    assert host.call("$/cancel", {"id": call}) == {"cancelled": True}
    reply = host.reply(call)
    assert reply.get("result") == "as far as I got" or reply["code"] == "cancelled"


def test_a_method_may_choose_the_flag_alone(start: Start) -> None:
    host = start(BUSY)
    call = host.start("flagged")
    host.event("started")
    host.cancel(call)
    assert host.reply(call)["result"] == "flagged"


def test_a_waiting_call_is_dropped_and_never_runs(start: Start) -> None:
    host = start(BUSY)
    running = host.start("told")
    host.event("started")
    waiting = host.start("add", [1])
    host.cancel(waiting)
    reply = host.reply(waiting)
    assert reply["error"] == "the call was cancelled before it began"
    host.cancel(running)
    host.reply(running)
    assert host.call("$/stats")["calls"] == 1


def test_cancelling_what_is_unknown_or_over_does_nothing(start: Start) -> None:
    host = start(BUSY)
    assert host.call("add", [1]) == 2
    for call_id in (1, 999, "x", None, [1], {"a": 1}):
        assert host.call("$/cancel", {"id": call_id}) == {"cancelled": False}
    assert host.failure("$/cancel", [])["error"] == '$/cancel needs {"id": the id of the call}'
    assert host.call("add", [1]) == 2


def test_a_cancel_that_crosses_the_reply_is_harmless(start: Start) -> None:
    host = start(BUSY)
    for _ in range(300):
        call = host.start("add", [1])
        host.cancel(call)
        reply = host.reply(call)
        assert reply.get("result") == 2 or reply["code"] == "cancelled"
    assert host.call("add", [1]) == 2


def test_an_unknown_control_command_is_refused_with_a_hint(start: Start) -> None:
    error = start(BUSY).failure("$/pin")
    assert error["code"] == "method_not_found"
    assert "did you mean '$/ping'?" in error["error"]


def test_a_notification_of_the_control_lane_gets_no_answer(start: Start) -> None:
    host = start(BUSY)
    host.send({"cmd": "$/ping"})
    host.send({"cmd": "$/unheard"})
    assert host.call("add", [1]) == 2
    assert host.frames == []


def test_a_frame_that_is_no_message_is_answered_with_what_is_wrong(start: Start) -> None:
    host = start(BUSY)
    host.write(b'{"id":9,"cmd":null}\n')
    reply = host.reply(9)
    assert (reply["type"], reply["code"]) == ("DecodeError", "invalid_request")
    host.write(b"hello\n")
    assert host.reply(None)["code"] == "decode_error"


HELD = """
def _hold(self):
    self.state["held"] = True
    self.send_event("held")
    while self.state["held"]:
        os.sched_yield()

@expose(concurrent=True)
def release(self):
    self.state["held"] = False

def sleep(self):
    time.sleep(60)

def rows(self):
    yield from range(1000)

def hold_before_running(self):
    import threading
    from bridgekit.backend.loop import Loop
    main = threading.get_ident()
    def count(loop, number):
        loop.__dict__["calls"] = number
        if threading.get_ident() == main:
            self._hold()
    Loop.calls = property(lambda loop: loop.__dict__["calls"], count)

def hold_before_streaming(self):
    from bridgekit.backend import streams
    class Held(streams.Stream):
        def __init__(stream, *args):
            super().__init__(*args)
            self._hold()
    streams.Stream = Held

def hold_before_a_batch(self):
    from bridgekit.backend import batch
    read = batch._read
    def read_and_hold(loop, params):
        try:
            return read(loop, params)
        finally:
            self._hold()
    batch._read = read_and_hold

def hold_before_an_item(self):
    from bridgekit.backend import batch
    read, hold = batch._read, self._hold
    class Dropped(set):
        __bool__ = lambda self: True
        def __contains__(self, item):
            found = set.__contains__(self, item)
            hold()
            return found
    def read_dropped(loop, params):
        params[batch._DROPPED] = Dropped()
        return read(loop, params)
    batch._read = read_dropped
"""


@pytest.mark.parametrize("arm", ["hold_before_running", "hold_before_streaming"])
def test_a_cancel_that_comes_while_a_call_is_taken_up_finds_it(start: Start, arm: str) -> None:
    host = start(HELD, hello=True)
    host.call(arm)
    call = host.start("sleep" if arm == "hold_before_running" else "rows")
    host.event("held")
    host.cancel(call)
    host.settle()
    host.call("release")
    assert host.reply(call)["code"] == "cancelled"


@pytest.mark.parametrize("which", ["whole", "item"])
def test_a_cancel_that_comes_while_a_batch_is_taken_up_finds_it(start: Start, which: str) -> None:
    host = start(HELD, hello=True)
    host.call("hold_before_a_batch")
    call = host.start("$/batch", {"cmd": "sleep", "first": 500, "params": [None]})
    host.event("held")
    host.cancel(call if which == "whole" else 500)
    host.settle()
    host.call("release")
    assert host.reply(call)["result"][0]["error"]["code"] == "cancelled"


def test_a_cancel_that_comes_while_an_item_begins_finds_it(start: Start) -> None:
    host = start(HELD, hello=True)
    host.call("hold_before_an_item")
    call = host.start("$/batch", {"cmd": "sleep", "first": 500, "params": [None]})
    host.event("held")
    host.cancel(500)
    assert host.reply(call)["result"][0]["error"]["code"] == "cancelled"


HEADERS = """
def headers(self):
    return current_call().headers
"""


def test_headers_belong_to_the_call_that_they_name(start: Start) -> None:
    host = start(HEADERS)
    host.hello()
    for call_id, headers in ((50, {"a": "1"}), (51, {"a": "2"}), ("x", "no object"), (None, None)):
        host.send({"cmd": "$/headers", "params": {"call": call_id, "headers": headers}})
    host.send({"cmd": "$/headers", "params": [1]})
    for call_id, headers in ((51, {"a": "2"}), (50, {"a": "1"}), (52, {}), ("x", {})):
        host.send({"id": call_id, "cmd": "headers"})
        assert host.reply(call_id)["result"] == headers
    batch = {"cmd": "headers", "first": 61, "params": [None, None]}
    host.send({"cmd": "$/headers", "params": {"call": 60, "headers": {"a": "3"}}})
    host.send({"id": 60, "cmd": "$/batch", "params": batch})
    assert host.reply(60)["result"] == [[{"a": "3"}]] * 2


def test_headers_of_long_ago_are_forgotten(start: Start) -> None:
    host = start(HEADERS)
    host.hello()
    for call_id in range(1000, 2001):
        host.send({"cmd": "$/headers", "params": {"call": call_id, "headers": {"a": "1"}}})
    for call_id, headers in ((1000, {}), (1001, {"a": "1"})):
        host.send({"id": call_id, "cmd": "headers"})
        assert host.reply(call_id)["result"] == headers
