"""One child process: its pipes, its group and its end."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

import pytest

from bridgekit.host.launchers import launch, plan_launch
from bridgekit.host.launchers.child import ChildProcess, describe_exit, signal_name
from tests.support.processes import bare, gone, read_line, readable, watch

CAT = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
GRANDCHILD = """
import subprocess, sys
other = subprocess.Popen(['sleep', '1000'])
print(other.pid, flush=True)
sys.stdin.read()
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
while True:
    time.sleep(1000)
"""
STOPPED = """
import os, signal
def bye(*_):
    print('bye', flush=True)
    os._exit(5)
signal.signal(signal.SIGTERM, bye)
print('up', flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
signal.pause()
"""


@pytest.fixture
def start():
    children: list[ChildProcess] = []

    def begin(code: str) -> ChildProcess:
        children.append(launch(plan_launch(bare(code))))
        return children[-1]

    yield begin
    for child in children:
        child.close()


def test_bytes_go_in_and_come_out(start) -> None:
    child = start(CAT)
    os.write(child.stdin, "héllo\n".encode())
    assert read_line(child.stdout) == "héllo\n"
    child.close_stdin()
    assert child.wait(20)
    assert (child.returncode, child.describe_exit(), child.signal_name) == (0, "exit code 0", None)
    assert child.stdin == -1


def test_the_hosts_ends_do_not_block_and_are_not_inherited(start) -> None:
    child = start(CAT)
    for descriptor in (child.stdin, child.stdout, child.stderr):
        assert not os.get_blocking(descriptor)
        assert not os.get_inheritable(descriptor)
    with pytest.raises(BlockingIOError):
        os.read(child.stdout, 1)


def test_the_exit_is_noticed_though_a_grandchild_holds_the_pipes(start) -> None:
    child = start(GRANDCHILD)
    grandchild = watch(int(read_line(child.stdout)))
    assert not child.poll()
    child.close_stdin()
    assert readable(child.exit_fd)
    assert not readable(grandchild, 0.0)
    assert child.poll()  # collects, and ends what is left of the group
    assert child.returncode == 0
    assert gone(grandchild)
    assert os.read(child.stdout, 1) == b""


def test_terminate_and_kill_reach_the_whole_group(start) -> None:
    child = start(GRANDCHILD)
    grandchild = watch(int(read_line(child.stdout)))
    child.terminate()
    assert child.wait(20)
    assert child.returncode == -signal.SIGTERM
    assert child.signal_name == "SIGTERM"
    assert gone(grandchild)


def test_a_process_that_ignores_sigterm_is_killed(start) -> None:
    child = start(DEAF)
    assert read_line(child.stdout) == "up\n"
    child.terminate()
    child.kill()
    assert child.wait(20)
    assert child.describe_exit() == "killed by SIGKILL"


def test_a_stopped_process_hears_sigterm(start) -> None:
    child = start(STOPPED)
    assert read_line(child.stdout) == "up\n"
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    child.terminate()
    assert child.wait(20)
    assert child.returncode == 5
    assert read_line(child.stdout) == "bye\n"


def test_a_stopped_process_can_be_resumed(start) -> None:
    child = start(STOPPED.replace("signal.pause()", "os._exit(6)"))
    assert read_line(child.stdout) == "up\n"
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    child.resume()
    assert child.wait(20)
    assert child.returncode == 6


def test_waitpid_by_other_code_is_tolerated(start) -> None:
    child = start("")
    os.waitpid(child.pid, 0)
    assert child.wait(20)
    assert child.returncode is None
    assert "unknown" in child.describe_exit()
    child.kill()


def test_waitpid_by_other_code_leaves_no_grandchild(start) -> None:
    child = start(GRANDCHILD)
    grandchild = watch(int(read_line(child.stdout)))
    child.close_stdin()
    os.waitpid(child.pid, 0)
    assert child.poll()
    assert gone(grandchild)


def test_wait_gives_up_in_time(start) -> None:
    child = start(CAT)
    assert not child.wait(0.0)
    assert child.describe_exit() == "still running"
    assert f"pid={child.pid} still running" in repr(child)


def test_close_kills_and_closes_everything_and_is_idempotent() -> None:
    before = set(os.listdir("/proc/self/fd"))
    child = launch(plan_launch(bare(DEAF)))
    assert read_line(child.stdout) == "up\n"
    process = watch(child.pid)
    child.close()
    child.close()
    assert gone(process)
    assert child.wait(20)
    child.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_dropped_child_is_killed_not_leaked() -> None:
    child = launch(plan_launch(bare(CAT)))
    process = watch(child.pid)
    del child
    gc.collect()
    assert gone(process)


def test_the_pipes_grow_on_need(start) -> None:
    child = start("import sys; sys.stdin.read(1); sys.stdin.read()")
    child.grow_pipes()
    child.grow_pipes()
    assert os.write(child.stdin, bytes(500_000)) == 500_000


def test_many_threads_may_ask_at_once(start) -> None:
    child = start(CAT)
    barrier, answers = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        child.kill()
        answers.append(child.wait(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert child.returncode == -9


@pytest.mark.parametrize(
    ("code", "words", "name"),
    [
        (0, "exit code 0", None),
        (3, "exit code 3", None),
        (-9, "killed by SIGKILL", "SIGKILL"),
        (-63, "killed by signal 63", "signal 63"),
    ],
)
def test_exits_in_words(code: int, words: str, name: str | None) -> None:
    assert describe_exit(code) == words
    assert signal_name(code) == name


def test_an_unknown_exit_in_words() -> None:
    assert "unknown" in describe_exit(None)
    assert signal_name(None) is None
    assert sys.executable
