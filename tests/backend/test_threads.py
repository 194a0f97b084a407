"""The helper of systems that cannot poll a pipe, run here over POSIX pipes, without SIGURG."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import PATIENCE
from tests.support.rawhost import RawHost, raw_host

SCRIPT = """\
import _signal
del _signal.SIGURG

import bridgekit.backend.loop
from bridgekit.backend.threads import ThreadHelper

bridgekit.backend.loop.Helper = ThreadHelper

import threading, time
from bridgekit import PythonBridge, current_call, expose

class B(PythonBridge):
    def on_stop(self):
        self.send_event("stopped")

    def add(self, a, b):
        return a + b

    def text(self, n):
        return "x" * n

    def spin(self):
        self.send_event("spinning")
        while True:
            pass

    def polite(self):
        self.send_event("polite")
        while not current_call().cancelled:
            time.sleep(0.005)
        return "as you wish"

    def rows(self, n):
        yield from range(n)

    @expose(concurrent=True)
    def beside(self):
        return threading.current_thread() is threading.main_thread()

    async def later(self):
        return "later"

    def ask(self):
        return self.host.call("question")

if __name__ == "__main__":
    B().run()
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RawHost]:
    script = tmp_path / "backend.py"
    script.write_text(SCRIPT)
    with raw_host(script) as host:
        host.ready()
        host.hello()
        yield host


def test_calls_of_every_kind(host: RawHost) -> None:
    assert host.call("add", [1, 2]) == 3
    assert host.call("later") == "later"
    assert host.call("beside") is False
    calls = [host.start("add", [n, 1]) for n in range(300)]
    assert [host.reply(call)["result"] for call in calls] == list(range(1, 301))


def test_the_control_lane_while_a_method_computes(host: RawHost) -> None:
    call = host.start("spin")
    host.event("spinning")
    assert host.call("$/ping")["busy"] is True
    queued = host.start("add", [1, 1])
    host.cancel(queued)
    assert host.reply(queued)["code"] == "cancelled"
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"
    assert host.call("add", [1, 2]) == 3


def test_a_method_that_looks_may_stop_by_itself(host: RawHost) -> None:
    call = host.start("polite")
    host.event("polite")
    host.cancel(call)
    assert host.reply(call)["result"] == "as you wish"


def test_a_stream_waits_for_its_consumer(host: RawHost) -> None:
    call = host.start("rows", {"n": 100})
    seen = 0
    while seen < 100:
        frame = host.event("$/item")
        assert frame["result"]["value"] == seen
        seen += 1
        if seen % 32 == 0:
            host.send({"cmd": "$/ack", "params": {"call": call, "seq": seen}})
    assert host.reply(call)["status"] == "success"


def test_a_host_that_writes_much_before_it_reads_does_not_deadlock(host: RawHost) -> None:
    count = 1000
    calls = b"".join(
        b'{"id":%d,"cmd":"text","params":[3000]}\n' % n for n in range(100, 100 + count)
    )
    os.set_blocking(host.stdin, False)
    poller = select.poll()
    poller.register(host.stdin, select.POLLOUT)
    view = memoryview(calls)
    while view:
        assert poller.poll(PATIENCE * 1000), "the backend has stopped reading"
        view = view[os.write(host.stdin, view) :]
    assert all(len(host.reply(n)["result"]) == 3000 for n in range(100, 100 + count))


def test_shutdown_is_answered_and_ends_it(host: RawHost) -> None:
    assert host.call("shutdown") == {"status": "shutdown"}
    host.event("stopped")
    assert host.wait() == 0


def test_what_was_asked_before_the_end_of_input_is_answered(host: RawHost) -> None:
    calls = [host.start("add", [n, 1]) for n in range(50)]
    host.close_stdin()
    assert [host.reply(call)["result"] for call in calls] == list(range(1, 51))
    assert host.wait() == 0
