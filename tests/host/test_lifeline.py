"""The lifeline: host gone, child's group gone; and forked copies of the host hold nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridgekit.host import lifeline
from bridgekit.host.launchers import launch, plan_launch
from tests.support.processes import bare, gone, read_line, readable, watch

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="armed on Linux only")

SLEEP = "import time, sys; print('up', flush=True); time.sleep(1000)"

HOLD_THE_GIL = """
import ctypes
print('up', flush=True)
ctypes.PyDLL(None).sleep(1000)  # in C, without letting go of the GIL
"""

IGNORE_EVERYTHING = """
import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
print('up', flush=True)
while True:
    time.sleep(1000)
"""

GRANDCHILD = """
import subprocess, sys, time
other = subprocess.Popen(['sleep', '1000'])
print(other.pid, flush=True)
time.sleep(1000)
"""

HOST = """
import sys
sys.path.insert(0, {root!r})
from bridgekit.host.launchers import launch, plan_launch
import os, time, select
child = launch(plan_launch([sys.executable, '-I', '-S', '-c', {code!r}]))
poller = select.poll()
poller.register(child.stdout, select.POLLIN)
poller.poll()
print(child.pid, os.read(child.stdout, 100).decode().strip(), flush=True)
time.sleep(1000)
"""

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def start_host(code: str) -> tuple[subprocess.Popen[bytes], int, str]:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST.format(root=ROOT, code=code)], stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    pid, said = host.stdout.readline().decode().split()
    return host, int(pid), said


@linux
@pytest.mark.parametrize(
    "code", [SLEEP, HOLD_THE_GIL, IGNORE_EVERYTHING], ids=["sleep", "gil", "deaf"]
)
def test_kill_9_of_the_host_takes_any_child_along(code: str) -> None:
    host, pid, _ = start_host(code)
    child = watch(pid)
    host.kill()
    host.communicate()
    assert gone(child)


@linux
def test_kill_9_of_the_host_takes_grandchildren_along() -> None:
    host, pid, said = start_host(GRANDCHILD)
    child, grandchild = watch(pid), watch(int(said))
    host.kill()
    host.communicate()
    assert gone(child)
    assert gone(grandchild)


@linux
def test_closing_the_hosts_end_is_enough() -> None:
    child = launch(plan_launch(bare(SLEEP)))
    assert read_line(child.stdout) == "up\n"
    os.close(child._lifeline)
    child._lifeline = -1
    assert child.wait(20)
    assert child.returncode == -9
    child.close()


def fork_and(check) -> bool:
    """Run ``check()`` in a forked copy of this process; return whether it returned True."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, b"y" if check() else b"n")
        finally:
            os._exit(0)
    os.close(writer)
    answer = os.read(reader, 1)
    os.close(reader)
    os.waitpid(pid, 0)
    return answer == b"y"


def test_a_forked_copy_finds_its_descriptors_closed_and_harms_nothing() -> None:
    child = launch(plan_launch(bare("import sys; print(sys.stdin.read())")))
    held = (child.stdin, child.stdout, child.stderr, child.exit_fd, child._lifeline)

    def check() -> bool:
        for descriptor in held:
            try:
                os.fstat(descriptor)
            except OSError:
                continue
            return False
        child.kill()
        child.close()
        return child.forked and child.poll() and child.stdin == -1

    assert fork_and(check)
    assert not child.forked
    assert not child.poll()
    assert child.stdin == held[0]
    child.close()


@linux
def test_a_forked_copy_that_lives_on_keeps_no_child_alive() -> None:
    code = """
import sys, os, time
sys.path.insert(0, {root!r})
from bridgekit.host.launchers import launch, plan_launch
from multiprocessing import get_context
child = launch(plan_launch([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(1000)']))
sibling = get_context('fork').Process(target=time.sleep, args=(1000,))
sibling.start()
print(child.pid, sibling.pid, flush=True)
time.sleep(1000)
"""
    host = subprocess.Popen([sys.executable, "-c", code.format(root=ROOT)], stdout=subprocess.PIPE)
    assert host.stdout is not None
    pids = host.stdout.readline().split()
    child, sibling = (watch(int(pid)) for pid in pids)
    host.kill()
    host.wait()
    try:
        assert gone(child)
        assert not readable(sibling, 0.0)
    finally:
        os.kill(int(pids[1]), 9)
        host.stdout.close()
        os.close(sibling)


def test_what_was_dropped_is_not_disowned_any_more() -> None:
    class Owner:
        def disown(self) -> None:
            os._exit(1)

    owner = Owner()
    lifeline.forget_after_fork(owner)
    del owner
    assert fork_and(lambda: True)


def test_a_fork_waits_for_a_spawn_in_another_thread() -> None:
    with lifeline.spawning:
        assert fork_and(lambda: True)  # the same thread may fork: the lock is its own
    assert lifeline.spawning.acquire(blocking=False)
    lifeline.spawning.release()


def test_arming_a_descriptor_that_cannot_be_armed_is_reported() -> None:
    with open(__file__, "rb") as file:
        descriptor = file.fileno()
    assert lifeline.arm(descriptor, os.getpid()) is False
