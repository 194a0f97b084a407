"""The backend of the demo, by itself: run by a host that knows nothing but frames."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.cli import demo_backend
from bridgekit.cli.demo_backend import Demo
from tests.cli.support import bridgekit
from tests.support.processes import PATIENCE
from tests.support.rawhost import raw_host

FILE = Path(demo_backend.__file__)


def test_greeting_prints_beside_the_wire() -> None:
    with raw_host(FILE) as host:
        assert host.hello()["name"] == "Demo"
        call = host.start("greet", {"name": "Ada"})
        assert host.reply(call)["result"] == "Hello, Ada!"
        output = host.event("$/output")
        assert output["call"] == call
        assert "stray print, while greeting Ada" in output["result"]["text"]
        host.call("shutdown")
        assert host.wait() == 0


def test_squares_stream_with_progress_and_milestones() -> None:
    with raw_host(FILE) as host:
        host.hello()
        call = host.start("squares", {"count": 12})
        assert host.reply(call)["result"] is None
        items = [event["result"]["value"] for event in host.events("$/item")]
        assert items == [number * number for number in range(1, 13)]
        last = host.events("$/progress")[-1]["result"]
        assert (last["progress"], last["message"]) == (1.0, "12 of 12")
        (milestone,) = host.events("milestone.ten")
        assert (milestone["result"], milestone["call"]) == ({"number": 10}, call)
        host.call("shutdown")
        assert host.wait() == 0


def test_dividing_by_zero_arrives_whole() -> None:
    with raw_host(FILE) as host:
        assert host.call("divide", {"a": 1, "b": 4}) == 0.25
        failure = host.failure("divide", {"a": 1, "b": 0})
        assert failure["type"] == "ZeroDivisionError"
        assert "return a / b" in failure["traceback"]
        host.call("shutdown")
        assert host.wait() == 0


def test_a_crash_is_a_crash() -> None:
    with raw_host(FILE) as host:
        host.start("crash")
        assert host.wait() == -9
        assert host.errors() == "fatal: simulated failure in native code\n"


def test_the_crash_says_its_last_words_first(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(os, "write", lambda fd, data: done.append(fd))
    monkeypatch.setattr(os, "kill", lambda pid, number: done.append((pid == os.getpid(), number)))
    Demo().crash()
    assert done == [2, (True, 9)]


def test_it_is_a_file_like_any_other() -> None:
    called = bridgekit("call", FILE, "greet", "name=Ada")
    assert (called.returncode, called.stdout) == (0, "Hello, Ada!\n"), called.stderr
    done = subprocess.run(
        [sys.executable, str(FILE)],
        input='{"id":1,"cmd":"greet","params":["Ada"]}\n',
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert '"result":"Hello, Ada!"' in done.stdout
