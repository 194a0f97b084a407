"""The helper thread: awake while there is work, asleep while there is none, never blocked."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bridgekit.backend import helper as room
from tests.backend.conftest import Start
from tests.support.processes import PATIENCE

BODY = """
def add(self, a):
    return a + 1

def text(self, n):
    return "x" * n

def fire_and_sleep(self):
    for n in range(3):
        self.send_event("tick", n)
    time.sleep(60)

def stats(self):
    tasks = "/proc/self/task"
    total = 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total

def grab(self):
    import ctypes
    self.send_event("grabbed")
    ctypes.PyDLL(None).usleep(300000)
    return "released"
"""


def switches(pid: int) -> int:
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def test_nothing_runs_while_the_backend_is_idle(start: Start) -> None:
    host = start(BODY)
    host.call("add", [1])
    before, quiet = switches(host.process.pid), 0
    for _ in range(200):
        select.select([], [], [], 0.1)
        now = switches(host.process.pid)
        quiet = quiet + 1 if now == before else 0
        before = now
        if quiet == 5:  # half a second without a single wake-up
            break
    assert quiet == 5
    assert host.call("add", [1]) == 2


def test_events_left_behind_by_a_busy_method_leave_soon(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("fire_and_sleep")
    assert [host.event("tick")["result"] for _ in range(3)] == [0, 1, 2]
    host.cancel(call)
    host.reply(call)


def test_a_host_that_writes_much_before_it_reads_does_not_deadlock(start: Start) -> None:
    host = start(BODY)
    count = 2000
    calls = b"".join(b'{"id":%d,"cmd":"text","params":[3000]}\n' % n for n in range(1, count + 1))
    os.set_blocking(host.stdin, False)
    poller = select.poll()
    poller.register(host.stdin, select.POLLOUT)
    view = memoryview(calls)
    while view:
        assert poller.poll(PATIENCE * 1000), "the backend has stopped reading"
        view = view[os.write(host.stdin, view) :]
    assert all(len(host.reply(n)["result"]) == 3000 for n in range(1, count + 1))


def test_a_method_that_holds_the_interpreter_delays_the_lane_but_loses_nothing(
    start: Start,
) -> None:
    host = start(BODY)
    call = host.start("grab")
    host.event("grabbed")
    ping = host.start("$/ping")
    assert host.reply(call)["result"] == "released"
    assert "busy" in host.reply(ping)["result"]
    assert host.call("add", [1]) == 2


def test_reading_goes_back_and_forth_without_loss(start: Start) -> None:
    until_taken = """
def until_taken(self, n):
    from bridgekit.backend import call
    while not call._main.loop.taken:
        os.sched_yield()
    return n
"""
    host = start(BODY + until_taken)
    calls = []
    for n in range(60):
        calls.append((host.start("until_taken" if n % 3 == 0 else "add", [n]), n))
        if n % 7 == 0:
            host.call("$/ping")
    for call, n in calls:
        assert host.reply(call)["result"] == (n if n % 3 == 0 else n + 1)


def test_an_answer_does_not_wait_for_the_end_of_the_next_call(start: Start, tmp_path: Path) -> None:
    """The helper reads, and sleeps for want of anything to read, as calls run from the queue."""
    host = start(
        BODY
        + """
def held(self, path):
    while not os.path.exists(path):
        time.sleep(0.001)
"""
    )
    first, second = tmp_path / "first", tmp_path / "second"
    held = host.start("held", [str(first)])
    host.call("$/ping")  # answered by the helper
    one = json.dumps({"id": 900, "cmd": "add", "params": [1]}).encode()
    two = json.dumps({"id": 901, "cmd": "held", "params": [str(second)]}).encode()
    host.write(one + b"\n" + two + b"\n")
    host.call("$/ping")  # they wait in the queue
    first.touch()
    assert host.reply(900)["result"] == 2
    second.touch()
    assert host.reply(901)["status"] == host.reply(held)["status"] == "success"


def test_it_looks_less_often_while_short_calls_come_and_go_and_is_still_roused() -> None:
    outbox = SimpleNamespace(chunks=[], gone=False, descriptor=1, last=0.0, writes=0)
    state: dict[str, Any] = {"waiting": True, "ending": None, "eof": False, "running": None}
    loop: Any = SimpleNamespace(outbox=outbox, calls=0, reader=0, taken=False, queue=[], **state)
    helper = room.Helper(loop)
    helper.parked = False
    pauses = []
    for _ in range(4):
        loop.calls += 1
        helper._look()
        pauses.append(helper._pause())
        assert helper.deaf == (pauses[-1] > room._TICK)
    assert pauses == [min(room._TICK * 2**n, room._LONG_TICK) for n in range(1, 5)]
    outbox.chunks.append(b"an event that a thread left here")
    assert helper._pause() == room._TICK
    outbox.chunks.clear()
    loop.calls, loop.waiting = loop.calls + 1, False  # it may be a long one
    helper._look()
    assert (helper._pause(), helper.deaf) == (room._TICK, False)
    loop.calls, loop.waiting = loop.calls + 1, True  # it was not
    helper._look()
    assert (helper._pause(), helper.deaf) == (room._LONG_TICK, True)
    loop.calls, loop.waiting = loop.calls + 1, False
    helper._look()
    assert helper._pause() == room._TICK
    helper._look()
    assert helper.leading
    assert (helper._pause(), helper.deaf) == (room._LEADING_TICK, True)
    for descriptor in (helper.pipe, helper._left_pipe):
        os.close(descriptor)
