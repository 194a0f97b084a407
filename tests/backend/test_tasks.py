from __future__ import annotations

import time

from tests.backend.conftest import Start

BODY = """
async def add(self, a: int, b: int):
    return a + b

async def gather(self):
    import asyncio
    event = self.state.setdefault("event", asyncio.Event())
    self.state["n"] = self.state.get("n", 0) + 1
    if self.state["n"] == 3:
        event.set()
    await event.wait()
    return current_call().id

async def wait(self):
    import asyncio
    self.send_event("waiting")
    try:
        await asyncio.sleep(60)
    finally:
        self.state["cleaned"] = True

@expose(cancel="flag")
async def flagged(self):
    import asyncio
    call = current_call()
    self.send_event("waiting")
    while not call.cancelled:
        await asyncio.sleep(0.001)
    return "flagged"

async def fails(self):
    raise ValueError("asynchronous")

async def cancels_itself(self):
    import asyncio
    raise asyncio.CancelledError

async def in_thread(self):
    import asyncio
    return await asyncio.to_thread(lambda: current_call().id)

def plain_but_returns_a_coroutine(self):
    return self.add(1, 2)

def cleaned(self):
    return self.state.get("cleaned", False)

async def bad(self):
    return {"x": object()}

async def on_start(self):
    self.state["started"] = True

def started(self):
    return self.state["started"]

async def on_stop(self):
    print("stopped", file=sys.stderr)

async def collects(self):
    yield 1
    yield 2
"""


def test_calls_wait_beside_each_other_and_know_themselves(start: Start) -> None:
    host = start(BODY)
    calls = [host.start("gather") for _ in range(3)]
    assert [host.reply(call)["result"] for call in calls] == calls


def test_parameters_are_checked_and_errors_told(start: Start) -> None:
    host = start(BODY)
    assert host.call("add", {"a": 1, "b": 2}) == 3
    assert host.failure("add", {"a": "1", "b": 2})["code"] == "invalid_params"
    assert "missing parameter" in host.failure("add", {"a": 1})["error"]
    error = host.failure("fails")
    assert error["traceback"].count('File "') == 1
    assert host.failure("bad")["code"] == "unserialisable"


def test_cancelling_reaches_the_task_and_it_cleans_up(start: Start) -> None:
    host = start(BODY)
    call = host.start("wait")
    host.event("waiting")
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"
    assert host.call("cleaned") is True


def test_the_flag_alone(start: Start) -> None:
    host = start(BODY)
    call = host.start("flagged")
    host.event("waiting")
    host.cancel(call)
    assert host.reply(call)["result"] == "flagged"


def test_a_task_that_cancels_itself_is_an_error_like_any_other(start: Start) -> None:
    assert start(BODY).failure("cancels_itself")["type"] == "CancelledError"


def test_the_call_is_known_in_threads_of_asyncio(start: Start) -> None:
    host = start(BODY)
    call = host.start("in_thread")
    assert host.reply(call)["result"] == call


def test_a_plain_method_may_return_a_coroutine(start: Start) -> None:
    assert start(BODY).call("plain_but_returns_a_coroutine") == 3


def test_hooks_may_be_asynchronous(start: Start) -> None:
    host = start(BODY)
    assert host.call("started") is True
    host.call("shutdown")
    assert host.wait() == 0
    assert host.errors() == "stopped\n"


def test_a_stop_cancels_tasks_and_answers_them(start: Start) -> None:
    host = start(BODY)
    call = host.start("wait")
    host.event("waiting")
    host.signal()
    assert host.reply(call)["code"] == "shutting_down"
    assert host.wait() == 0


def test_an_asynchronous_generator_is_collected_for_a_plain_host(start: Start) -> None:
    assert start(BODY).call("collects") == [1, 2]


def test_a_cancel_that_comes_with_its_call_is_answered(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("add", [1, 2])
    for call in range(1000, 1050):
        host.write(
            b'{"id":%d,"cmd":"wait"}\n{"cmd":"$/cancel","params":{"id":%d}}\n' % (call, call)
        )
        assert host.reply(call)["code"] == "cancelled"


def test_what_a_batch_waits_for_is_cancelled_with_it(start: Start) -> None:
    later = """
def plain_wait(self):
    return self.wait()
"""
    host = start(BODY + later, hello=True)
    call = host.start("$/batch", {"cmd": "plain_wait", "first": 700, "params": [None]})
    host.event("waiting")
    host.cancel(call)
    assert host.reply(call)["result"][0]["error"]["code"] == "cancelled"
    # Its answer does not wait for the event loop's thread, where it cleans up.
    deadline = time.monotonic() + 20
    while not host.call("cleaned"):
        assert time.monotonic() < deadline
