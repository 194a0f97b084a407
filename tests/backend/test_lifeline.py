"""Host gone, backend gone: by the lifeline, by the end of file, whatever the backend is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.backend.lifeline import VARIABLE, take_lifeline
from tests.backend.conftest import Start
from tests.support.processes import PATIENCE, gone, read_line, watch
from tests.support.rawhost import MAIN, ROOT, SCRIPT

BUSY = """
def idle(self):
    pass

def spin(self):
    self.send_event("busy")
    while True:
        pass

def sleep(self):
    self.send_event("busy")
    time.sleep(600)

def grandchild(self):
    subprocess.Popen(["sleep", "600"])
    self.send_event("busy")
    time.sleep(600)

def thread(self):
    import threading
    threading.Thread(target=time.sleep, args=(600,)).start()

def stubborn(self):
    self.send_event("busy")
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def streams(self):
    self.send_event("busy")
    while True:
        yield "x" * 1000

async def waits(self):
    import asyncio
    self.send_event("busy")
    await asyncio.sleep(600)

@expose(concurrent=True)
def beside(self):
    self.send_event("busy")
    time.sleep(600)
"""

STATES = ["idle", "spin", "sleep", "stubborn", "streams", "waits", "beside", "grandchild", "thread"]


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
@pytest.mark.parametrize("state", STATES)
def test_a_host_that_closes_both_pipes_leaves_no_backend(start: Start, state: str) -> None:
    host = start(BUSY, hello=True)
    call = host.start(state)
    if state in ("idle", "thread"):
        host.reply(call)
    else:
        host.event("busy")
    host.close_stdin()
    assert host.process.stdout is not None
    host.process.stdout.close()
    assert host.process.wait(PATIENCE) in (0, 1)


HOST = """
import os, subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
child.stdin.write(b'{"id":1,"cmd":"STATE"}\\n')
seen = b""
while b"busy" not in seen and b'"id":1' not in seen:
    seen += os.read(child.stdout.fileno(), 65536)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
@pytest.mark.parametrize("state", ["idle", "spin", "sleep", "stubborn", "beside", "thread"])
def test_a_killed_host_of_any_make_leaves_no_backend(tmp_path: Path, state: str) -> None:
    script = tmp_path / "backend.py"
    body = "\n".join("    " + line for line in BUSY.strip().splitlines())
    script.write_text(SCRIPT.format(body=body))
    host = subprocess.Popen(
        [sys.executable, "-c", HOST.replace("STATE", state), sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert host.stdout is not None
    with host.stdout:
        child = watch(int(read_line(host.stdout.fileno())))
        host.send_signal(signal.SIGKILL)
        host.wait()
        assert gone(child)


def test_the_lifeline_is_taken_out_of_the_environment(start: Start, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    try:
        host = start(
            "def env(self):\n"
            "    fd = os.open('/dev/null', 0)\n"
            "    return [sorted(name for name in os.environ if name.startswith('BRIDGEKIT')),\n"
            f"            os.get_inheritable({ours})]\n",
            env={VARIABLE: str(ours)},
            pass_fds=(ours,),
        )
        assert host.call("env") == [[], False]
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_host_that_died_before_it_could_arm_the_pipe_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "backend.py"
    script.write_text(SCRIPT.format(body="    pass"))
    ours, theirs = os.pipe()
    os.close(theirs)
    try:
        done = subprocess.Popen(
            [sys.executable, str(MAIN), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(ours,),
            env={**os.environ, VARIABLE: str(ours)},
        )
        assert done.wait(PATIENCE) == 0
        assert done.stdout is not None
        assert done.stdout.read() == b""
        done.stdout.close()
        assert done.stdin is not None
        done.stdin.close()
    finally:
        os.close(ours)


@pytest.mark.parametrize("text", ["", "x", "-1", "99999"])
def test_nonsense_in_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert take_lifeline() is None
    assert VARIABLE not in os.environ


def test_where_the_kernel_does_not_watch_the_pipe_we_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, theirs = os.pipe()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "darwin")
            patch.setenv(VARIABLE, str(ours))
            assert take_lifeline() == ours
    finally:
        os.close(ours)
        os.close(theirs)
