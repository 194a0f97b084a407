from __future__ import annotations

import contextvars
import math
from typing import Any

import pytest

from bridgekit import Cancelled, current_call
from bridgekit.backend.call import NOBODY, Call, deadline_of, key_of, set_current
from tests.backend.conftest import Start

BODY = """
def all_of_it(self):
    call = current_call()
    call.progress(0.25, "a quarter", step="one")
    call.progress(1)
    call.log("said")
    call.log({"not": "text"}, level="warning", logger="mine")
    self.send_event("mine", {"n": 1})
    return [call.id, call.method, call.cancelled, call.deadline, repr(call)]

def kept(self):
    self.call = current_call()
    return self.call is current_call()

def later(self):
    before = self.call
    before.progress(0.5)
    return [before is current_call(), before.done, current_call().id]

def by_hand(self):
    import threading
    seen = []
    call = current_call()
    def work():
        seen.append(current_call().id)
        call.progress(0.5)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return seen

def by_context(self):
    import contextvars, threading
    current_call()
    seen = []
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(lambda: seen.append(current_call().id)))
    thread.start()
    thread.join()
    return seen

def wrong(self, what):
    if what == "progress":
        current_call().progress(1.5)
    current_call().log("x", level=what)

def stops(self):
    self.send_event("running")
    call = current_call()
    while True:
        call.raise_if_cancelled()
"""


def test_what_a_method_says_reaches_its_caller(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("all_of_it")
    assert host.reply(call)["result"] == [
        call, "all_of_it", False, None, f"<Call {call} of 'all_of_it'>",
    ]  # fmt: skip
    assert {frame["call"] for frame in host.frames} == {call}
    assert [each["result"] for each in host.events("$/progress")] == [
        {"progress": 0.25, "message": "a quarter", "step": "one"},
        {"progress": 1.0},
    ]
    assert [each["result"] for each in host.events("$/log")] == [
        {"level": "info", "message": "said", "logger": None},
        {"level": "warning", "message": "{'not': 'text'}", "logger": "mine"},
    ]
    assert host.event("mine")["result"] == {"n": 1}


def test_a_host_of_old_hears_the_authors_events_only(start: Start) -> None:
    host = start(BODY)
    host.call("all_of_it")
    assert host.frames == [{"cmd": "mine", "status": "event", "result": {"n": 1}}]


def test_a_call_that_is_over_says_nothing(start: Start) -> None:
    host = start(BODY, hello=True)
    assert host.call("kept") is True
    call = host.start("later")
    assert host.reply(call)["result"] == [False, True, call]
    assert host.frames == []


def test_a_thread_knows_the_call_it_was_given(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("by_hand")
    assert host.reply(call)["result"] == [None]
    assert host.event("$/progress")["call"] == call
    call = host.start("by_context")
    assert host.reply(call)["result"] == [call]


@pytest.mark.parametrize("what", ["progress", "loud"])
def test_nonsense_is_refused_where_it_is_said(start: Start, what: str) -> None:
    assert start(BODY, hello=True).failure("wrong", [what])["type"] == "ValueError"


def test_a_method_may_ask_to_be_stopped(start: Start) -> None:
    host = start(BODY)
    call = host.start("stops")
    host.event("running")
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"


def test_without_a_host_everything_is_swallowed() -> None:
    call = current_call()
    assert call is NOBODY
    call.progress(0.5)
    call.log("x")
    call.raise_if_cancelled()
    assert (call.cancelled, call.deadline, call.remaining, call.method) == (False, None, None, "")
    with pytest.raises(ValueError, match=r"from 0\.0 to 1\.0"):
        call.progress(math.nan)


def test_the_context_decides_off_the_main_thread() -> None:
    mine = Call(None, 7, None, deadline=0.0)

    def look() -> Any:
        set_current(mine)
        seen = current_call()
        mine.done = True
        return seen, current_call()

    assert contextvars.copy_context().run(look) == (mine, NOBODY)
    assert mine.remaining == 0.0


def test_a_cancelled_call_raises() -> None:
    call = Call(None, 1, None)
    call._cancelled = True
    with pytest.raises(Cancelled):
        call.raise_if_cancelled()


def test_any_id_can_be_a_key() -> None:
    assert [key_of(each) for each in (1, "x", [1], {"a": 1}, None)] == [
        1, "x", "[1]", "{'a': 1}", "None",
    ]  # fmt: skip


def test_nonsense_as_a_timeout_is_no_limit() -> None:
    assert deadline_of(2, 10.0) == 12.0
    assert [deadline_of(each, 10.0) for each in (None, "x", True, [], 10**400)] == [None] * 5
