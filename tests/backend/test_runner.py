"""A backend's life from ``run()`` to its exit status, hooks included."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit import BridgeError, PythonBridge
from bridgekit.backend import ending, runner
from bridgekit.backend.loop import Wake
from tests.backend.conftest import Start
from tests.support.processes import PATIENCE
from tests.support.rawhost import ROOT, SCRIPT, raw_host

HOOKS = """
def say(self, word):
    print(word, file=sys.stderr, flush=True)

def on_start(self):
    self.say("start")

def on_stop(self):
    self.say("stop")

def quit(self):
    self._running = False
    return "bye"
"""


def script_of(folder: Path, body: str, end: str = "B().run()") -> Path:
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    script = folder / "backend.py"
    script.write_text(SCRIPT.format(body=lines).replace("B().run()", end))
    return script


# --- what cannot be run -----------------------------------------------------------------------


def test_the_base_class_has_nothing_to_serve() -> None:
    with pytest.raises(BridgeError, match="subclass PythonBridge"):
        PythonBridge().run()
    assert not runner.ran()


def test_a_class_that_cannot_work_is_refused_before_the_wire_is_touched() -> None:
    class Bad(PythonBridge):
        def host(self) -> None: ...

    with pytest.raises(BridgeError, match=r"Bad\.host hides"):
        Bad().run()
    assert not runner.ran()


def test_a_process_runs_one_backend(tmp_path: Path) -> None:
    end = """B().run()
    try:
        B().run()
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")"""
    with raw_host(script_of(tmp_path, HOOKS, end)) as host:
        host.ready()
        host.call("quit")
        assert host.wait() == 0
        assert "BridgeError: a backend has already been run" in host.errors()


# --- the whole life ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["quit", "shutdown", "end of file"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_hooks_run_once_around_everything(start: Start, kind: str, way: str) -> None:
    host = start(HOOKS.replace("def on_", f"{kind} on_"))
    if way == "end of file":
        host.close_stdin()
    else:
        host.call(way)
    assert host.wait() == 0
    assert host.errors() == "start\nstop\n"


def test_what_happens_on_the_way_to_ready(tmp_path: Path) -> None:
    body = """
def __init__(self):
    self.send_event("early", 1)

def on_start(self):
    self.send_event("starting", 2)

def ready(self):
    return {"status": "ready", "model": "large"}
"""
    with raw_host(script_of(tmp_path, body)) as host:
        assert host.ready() == {"status": "ready", "model": "large"}
        assert host.raw.startswith(b'\0{"id":0,')
        assert host.event("early")["result"] == 1
        assert host.event("starting")["result"] == 2
        assert host.call("ready") == {"status": "ready", "model": "large"}
        host.call("shutdown")
        assert host.wait() == 0


def test_an_event_of_a_thread_does_not_overtake_those_from_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge, sent, begun = Quiet(), [], threading.Event()

    def late() -> None:
        begun.set()
        bridge.send_event("late")

    def send_event(topic: str, data: object) -> None:
        if not sent:
            thread.start()
            assert begun.wait(PATIENCE)
        sent.append(topic)

    thread = threading.Thread(target=late)
    serve_once(monkeypatch, bridge, send_event, thread.join)
    assert sent == ["first", "second", "late"]


def test_what_wakes_the_loop_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve() -> None:
        raise Wake

    assert serve_once(monkeypatch, Quiet(), lambda topic, data: None, serve) == ["finish"]


class Quiet(PythonBridge):
    def __init__(self) -> None:
        self.send_event("first")
        self.send_event("second")


def serve_once(
    monkeypatch: pytest.MonkeyPatch, bridge: PythonBridge, send_event: Any, serve: Any
) -> list[str]:
    """Serve with a loop that only looks like one; return what came after."""
    after: list[str] = []
    monkeypatch.setattr(ending, "finish", lambda loop: after.append("finish"))
    loop = SimpleNamespace(
        connection=SimpleNamespace(send_ready=lambda ready: b"", preamble=b""),
        outbox=SimpleNamespace(push=lambda data: None),
        send_event=send_event,
        serve=serve,
    )
    runner._serve(loop, bridge)  # type: ignore[arg-type]
    return after


def test_a_backend_that_stops_before_it_serves_says_ready_all_the_same(tmp_path: Path) -> None:
    body = HOOKS.replace('self.say("start")', "self._running = False")
    with raw_host(script_of(tmp_path, body)) as host:
        host.ready()
        assert host.wait() == 0
        assert host.errors() == "stop\n"


def test_a_signal_gets_it_out_of_waiting_for_the_host(start: Start) -> None:
    host = start(HOOKS)
    host.call("say", ["served"])
    host.signal()
    assert host.wait() == 0
    assert host.errors() == "start\nserved\nstop\n"


def test_a_start_hook_that_fails_ends_it_with_its_own_traceback(tmp_path: Path) -> None:
    body = HOOKS.replace('self.say("start")', 'raise OSError("no model")')
    with raw_host(script_of(tmp_path, body)) as host:
        assert host.wait() == 1
        assert host.frames == []
        text = host.errors()
        assert text.startswith("stop\nTraceback")
        assert text.endswith("OSError: no model\n")


def test_a_stop_hook_that_fails_shows_in_the_status(start: Start) -> None:
    host = start(HOOKS.replace('self.say("stop")', 'raise OSError("no room")'))
    assert host.call("quit") == "bye"
    assert host.wait() == 1
    assert host.errors().endswith("OSError: no room\n")


def test_a_signal_before_ready_ends_it_in_order(tmp_path: Path) -> None:
    body = HOOKS.replace('self.say("start")', "os.kill(os.getpid(), 2)")
    with raw_host(script_of(tmp_path, body)) as host:
        assert host.wait() == 130
        assert host.errors() == "stop\n"


# --- what the environment says ----------------------------------------------------------------


def test_the_hosts_wire_format_comes_before_the_classs(tmp_path: Path) -> None:
    body = (
        HOOKS
        + "\nwire = 'jsonrpc'\n\ndef env(self):\n    return os.environ.get('BRIDGEKIT_WIRE')\n"
    )
    script = script_of(tmp_path, body)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    asked = {**env, runner.WIRE: "native"}
    text = b'{"jsonrpc":"2.0","id":1,"cmd":"env","method":"env"}\n'
    for each, expected in ((env, b'"jsonrpc":"2.0"'), (asked, b'"status":"success","result":null')):
        done = subprocess.run(
            [sys.executable, str(script)],
            input=text,
            env=each,
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        assert expected in done.stdout.replace(b" ", b"")


def test_where_the_kernel_does_not_watch_the_lifeline_the_backend_does(tmp_path: Path) -> None:
    script = script_of(tmp_path, HOOKS)
    # As on macOS: the answer that the platform gives is changed before anything asks for it.
    script.write_text("import sys\nsys.platform = 'darwin'\n" + script.read_text()[35:])
    ours, theirs = os.pipe()
    try:
        env = {"BRIDGEKIT_LIFELINE": str(ours)}
        with raw_host(script, plain=True, env=env, pass_fds=(ours,)) as host:
            os.close(ours)
            host.ready()
            os.close(theirs)
            theirs = -1
            assert host.wait() == 0
            assert host.errors() == "start\n"
    finally:
        if theirs >= 0:
            os.close(theirs)


# --- a person at a terminal -------------------------------------------------------------------


def at_terminal(script: Path, **env: str) -> subprocess.CompletedProcess[str]:
    ours, theirs = pty.openpty()
    try:
        return subprocess.run(
            [sys.executable, str(script)],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_person_at_a_terminal_is_told_what_this_is(tmp_path: Path) -> None:
    done = at_terminal(script_of(tmp_path, HOOKS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("B is a bridgekit backend")


def test_a_host_at_a_terminal_is_served(tmp_path: Path) -> None:
    body = HOOKS.replace('self.say("start")', "self._running = False")
    done = at_terminal(script_of(tmp_path, body), BRIDGEKIT_WIRE="native")
    assert done.stdout.startswith('\0{"id":0,')
    assert done.stderr == "stop\n"


def test_the_version_is_three_numbers() -> None:
    assert runner.python_version() == "{}.{}.{}".format(*sys.version_info)


# --- how large a frame may be -----------------------------------------------------------------

LENGTHS = """
def size(self, text):
    return len(text), os.environ.get("BRIDGEKIT_MAX_FRAME")

def text(self, n):
    return "x" * n
"""


def test_the_host_says_how_large_a_frame_may_be(tmp_path: Path) -> None:
    env = {runner.LIMIT: "2000"}
    with raw_host(script_of(tmp_path, LENGTHS), env=env) as host:
        host.ready()
        assert host.hello()["limits"]["max_frame"] == 2000
        assert host.call("size", ["x" * 1000]) == [1000, None]
        assert host.failure("size", ["x" * 2000])["code"] == "frame_too_large"
        assert host.failure("text", [2000])["code"] == "frame_too_large"


@pytest.mark.parametrize("value", ["1023", "16M", "-5", "1" * 5000])
def test_a_bad_size_of_a_frame_is_named(tmp_path: Path, value: str) -> None:
    with raw_host(script_of(tmp_path, LENGTHS), env={runner.LIMIT: value}) as host:
        assert host.wait() == 1
        said = f"BRIDGEKIT_MAX_FRAME={value[:80]!r} is not allowed: it must be a number of bytes"
        assert said in host.errors()
