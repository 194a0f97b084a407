from __future__ import annotations

import signal

import pytest

from tests.backend.conftest import Start

BODY = """
def on_stop(self):
    print("stopped", file=sys.stderr, flush=True)

def add(self, a):
    return a + 1

def sleep(self):
    self.send_event("busy")
    time.sleep(60)

def spin(self):
    self.send_event("busy")
    while True:
        pass

def swallow(self):
    self.send_event("busy")
    try:
        time.sleep(60)
    except BaseException:
        pass
    try:
        time.sleep(60)
    finally:
        self.send_event("twice")

def never(self):
    self.send_event("busy")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def slow_stop(self):
    self.on_stop = lambda: (self.send_event("stopping"), time.sleep(60))

def urgent(self):
    import signal
    os.kill(os.getpid(), signal.SIGURG)
    return "unharmed"

def wakes(self):
    import threading
    def later():
        self._running = False
    threading.Timer(0.05, later).start()

def raises_in_handler(self):
    import signal
    def alarm(number, frame):
        raise TimeoutError("alarm")
    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    while True:
        self.send_event("tick", "x" * 1000)

@expose(concurrent=True)
def elsewhere(self):
    self.send_event("busy")
    while True:
        pass
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_an_idle_backend_stops_at_once_and_runs_its_hook(
    start: Start, number: int, status: int
) -> None:
    host = start(BODY)
    host.signal(number)
    assert host.wait() == status
    assert host.errors() == "stopped\n"


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
@pytest.mark.parametrize("name", ["sleep", "spin", "swallow", "elsewhere"])
def test_a_busy_backend_makes_room_for_the_hook(start: Start, name: str) -> None:
    host = start(BODY)
    call = host.start(name)
    host.event("busy")
    host.signal()
    assert host.reply(call)["code"] in ("shutting_down", "cancelled")
    assert host.wait() == 0
    assert host.errors() == "stopped\n"


def test_calls_that_wait_are_answered(start: Start) -> None:
    host = start(BODY)
    host.start("sleep")
    host.event("busy")
    waiting = [host.start("add", [n]) for n in range(3)]
    host.settle()
    host.signal()
    assert [host.reply(call)["code"] for call in waiting] == ["shutting_down"] * 3
    assert host.wait() == 0


@pytest.mark.usefixtures("unmeasured")
def test_a_method_that_never_ends_does_not_keep_the_process(start: Start) -> None:
    host = start(BODY)
    host.start("never")
    host.event("busy")
    host.signal()
    assert host.wait() == 143
    assert "did not stop within" in host.errors()


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    host = start(BODY)
    host.call("slow_stop")
    host.signal()
    host.event("stopping")
    host.signal()
    assert host.wait() == 128 + signal.SIGTERM


def test_a_stray_urgent_signal_does_nothing(start: Start) -> None:
    host = start(BODY)
    assert host.call("urgent") == "unharmed"
    host.signal(signal.SIGURG)
    assert host.call("add", [1]) == 2


def test_a_thread_that_ends_the_loop_wakes_it(start: Start) -> None:
    host = start(BODY)
    host.call("wakes")
    assert host.wait() == 0
    assert host.errors() == "stopped\n"


def test_a_handler_that_raises_does_not_tear_the_wire(start: Start) -> None:
    host = start(BODY)
    for _ in range(5):
        assert host.failure("raises_in_handler")["error"] == "alarm"
    assert host.call("add", [1]) == 2
    assert {frame["cmd"] for frame in host.frames} == {"tick"}
