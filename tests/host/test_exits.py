"""Exit notices, and collecting the status even where others interfere."""

from __future__ import annotations

import os
import select
import signal
import subprocess

import pytest

from bridgekit.host import exits
from bridgekit.host.exits import UNKNOWN, Exit, ExitWatch
from tests.support.processes import PATIENCE


@pytest.fixture(params=["pidfd", "thread"])
def how(request, monkeypatch) -> str:
    """Every test runs over the descriptor of the kernel and over the one of a thread."""
    if request.param == "thread":
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


def start(command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    process.returncode = 0  # its status was taken; subprocess must not complain
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15)],
)
def test_the_status_is_collected_once_the_descriptor_is_readable(
    how: str, command: str, code: int
) -> None:
    process = start(f"read line; {command}")
    watch = ExitWatch(process.pid)
    assert not watch.ended()
    assert watch.collect() is None
    assert not watch.wait(0.0)
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    assert watch.wait(PATIENCE)
    assert watch.ended()
    assert watch.holds_number()
    assert watch.collect() == Exit(code)
    watch.close()
    watch.close()
    finish(process)


def test_a_status_that_somebody_else_took_is_unknown(how: str) -> None:
    process = start("read line; exit 3")
    watch = ExitWatch(process.pid)
    finish(process)
    os.waitpid(process.pid, 0)
    assert watch.wait(PATIENCE)
    assert watch.collect() == UNKNOWN
    if how == "pidfd":
        assert not watch.holds_number()
    watch.close()


def test_a_child_that_was_collected_before_the_watch_began(how: str) -> None:
    process = start("exit 3")
    os.waitpid(process.pid, 0)
    watch = ExitWatch(process.pid)
    assert watch.wait(PATIENCE)
    assert watch.collect() == UNKNOWN
    watch.close()
    finish(process)


def test_ignored_sigchld_leaves_no_status_and_no_hang(how: str) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process = start("read line; exit 3")
        watch = ExitWatch(process.pid)
        finish(process)
        assert watch.wait(PATIENCE)
        assert watch.collect() == UNKNOWN
        watch.close()
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_the_descriptor_can_be_watched_beside_others(how: str) -> None:
    process = start("read line")
    watch = ExitWatch(process.pid)
    epoll = select.epoll()
    epoll.register(watch.descriptor, select.EPOLLIN)
    assert epoll.poll(0) == []
    finish(process)
    assert [descriptor for descriptor, _ in epoll.poll(PATIENCE)] == [watch.descriptor]
    assert watch.collect() == Exit(1)
    epoll.close()
    watch.close()


def test_a_system_that_refuses_pidfds_gets_a_thread(monkeypatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError("seccomp")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    process = start("exit 4")
    watch = ExitWatch(process.pid)
    assert watch.wait(PATIENCE)
    assert watch.collect() == Exit(4)
    watch.close()
    finish(process)


def test_readable_waits_no_longer_than_told() -> None:
    reader, writer = os.pipe()
    assert not exits.readable(reader, 0.0)
    assert not exits.readable(reader, -1.0)
    os.close(writer)
    assert exits.readable(reader, None)
    os.close(reader)
