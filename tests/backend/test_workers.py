from __future__ import annotations

from tests.backend.conftest import Start

BODY = """
max_concurrent = 3

def __init__(self):
    super().__init__()
    import threading
    self.gate = threading.Barrier(3)
    self.lock = threading.Lock()
    self.now = self.most = 0

@expose(concurrent=True)
def meet(self):
    self.gate.wait(20)
    return "met"

@expose(concurrent=True)
def count(self):
    with self.lock:
        self.now += 1
        self.most = max(self.most, self.now)
    time.sleep(0.005)
    with self.lock:
        self.now -= 1

def highest(self):
    return self.most

@expose(concurrent=True)
def spin(self):
    self.send_event("spinning")
    while True:
        pass

@expose(concurrent=True)
def look(self):
    call = current_call()
    self.send_event("spinning")
    while not call.cancelled:
        pass
    return "looked"

@expose(concurrent=True, cancel="flag")
def flagged(self):
    call = current_call()
    self.send_event("spinning")
    while not call._cancelled:
        pass
    return "flagged"

@expose(concurrent=True)
def fails(self, a: int):
    raise ValueError("concurrent")

@expose(concurrent=True)
def who(self):
    current_call().progress(0.5)
    return current_call().id

@expose(concurrent=True)
def bad(self):
    return object()

@expose(concurrent=True)
def hands_over(self):
    async def later():
        return "from a coroutine"
    return later()

@expose(concurrent=True)
def endless(self):
    while True:
        yield 1
"""


def test_concurrent_calls_run_beside_each_other(start: Start) -> None:
    host = start(BODY)
    calls = [host.start("meet") for _ in range(3)]
    assert [host.reply(call)["result"] for call in calls] == ["met"] * 3


def test_there_are_only_so_many_at_a_time(start: Start) -> None:
    host = start(BODY)
    calls = [host.start("count") for _ in range(30)]
    for call in calls:
        host.reply(call)
    assert 1 <= host.call("highest") <= 3


def test_cancelling_one_that_runs_and_one_that_waits(start: Start) -> None:
    host = start(BODY)
    running = [host.start("spin") for _ in range(3)]
    for _ in running:
        host.event("spinning")
    waiting = host.start("who")
    host.cancel(waiting)
    for call in running:
        host.cancel(call)
        assert host.reply(call)["code"] == "cancelled"
    assert host.reply(waiting)["code"] == "cancelled"
    assert host.call("who")


def test_the_flag_is_left_to_those_who_look_at_it(start: Start) -> None:
    host = start(BODY)
    for name in ("look", "flagged"):
        call = host.start(name)
        host.event("spinning")
        host.cancel(call)
        reply = host.reply(call)
        assert reply.get("result") == name + "ed" or reply.get("result") == name


def test_errors_and_checks_as_on_the_main_thread(start: Start) -> None:
    host = start(BODY)
    error = host.failure("fails", {"a": 1})
    assert (error["type"], error["error"]) == ("ValueError", "concurrent")
    assert "in fails" in error["traceback"]
    assert "bridgekit" not in error["traceback"]
    assert host.failure("fails", {"a": "1"})["code"] == "invalid_params"
    assert "missing parameter 'a'" in host.failure("fails")["error"]
    assert host.failure("bad")["code"] == "unserialisable"


def test_the_current_call_is_the_threads_own(start: Start) -> None:
    host = start(BODY, hello=True)
    calls = [host.start("who") for _ in range(20)]
    for call in calls:
        assert host.reply(call)["result"] == call
    assert sorted(each["call"] for each in host.events("$/progress")) == calls


def test_a_coroutine_that_comes_back_is_run(start: Start) -> None:
    assert start(BODY).call("hands_over") == "from a coroutine"


def test_a_stream_that_waits_for_its_consumer_can_be_cancelled(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("endless")
    host.wait_for(lambda frame: frame.get("cmd") == "$/item" and frame["result"]["seq"] == 64)
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"


def test_a_stop_answers_the_calls_that_still_run(start: Start) -> None:
    host = start(BODY)
    call = host.start("spin")
    host.event("spinning")
    host.call("shutdown")
    assert host.reply(call)["code"] in ("shutting_down", "cancelled")
    assert host.wait() == 0


HELD = """
def _hold(self):
    self.state["held"] = True
    self.send_event("held")
    while self.state["held"]:
        pass

def release(self):
    self.state["held"] = False

def hold_before_it_can_be_interrupted(self):
    from bridgekit.backend import workers
    def get_ident(real=workers.get_ident):
        self._hold()
        return real()
    workers.get_ident = get_ident

def hold_as_it_fails(self):
    from bridgekit.backend import workers
    def not_interruptible(job, real=workers.Job._not_interruptible):
        if self.state.setdefault("first", True):
            self.state["first"] = False
            self._hold()
        real(job)
    workers.Job._not_interruptible = not_interruptible

@expose(concurrent=True)
def spin(self):
    while True:
        pass

@expose(concurrent=True)
def fails(self):
    raise ValueError("no")
"""


def test_a_cancel_that_comes_as_the_thread_begins_is_seen(start: Start) -> None:
    host = start(HELD, hello=True)
    host.call("hold_before_it_can_be_interrupted")
    call = host.start("spin")
    host.event("held")
    host.cancel(call)
    host.call("release")
    assert host.reply(call)["code"] == "cancelled"


def test_a_cancel_that_comes_as_the_method_fails_costs_no_answer(start: Start) -> None:
    host = start(HELD, hello=True)
    host.call("hold_as_it_fails")
    call = host.start("fails")
    host.event("held")
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"
