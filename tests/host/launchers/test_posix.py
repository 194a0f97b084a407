"""What a child inherits, and what is said when the system refuses to start it."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from pathlib import Path

import attrs
import pytest

from bridgekit import BackendStartError
from bridgekit.host import lifeline
from bridgekit.host.launchers import launch, plan_launch
from bridgekit.host.launchers.posix import launch as posix_launch
from tests.support.processes import bare, read_line

TELL = """
import os, json, sys
fds = []
for fd in range(256):
    try:
        os.fstat(fd)
    except OSError:
        continue
    fds.append(fd)
print(json.dumps({
    'fds': fds, 'env': dict(os.environ), 'cwd': os.getcwd(), 'pid': os.getpid(),
    'group': os.getpgrp(), 'session': os.getsid(0), 'argv': sys.argv,
}), flush=True)
"""


def tell(**options) -> dict:
    child = launch(plan_launch(bare(TELL, "a b", "$HOME", "`id`", ""), **options))
    try:
        return json.loads(read_line(child.stdout))
    finally:
        child.close()


def test_three_pipes_and_a_lifeline_are_all_it_inherits() -> None:
    kept = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        told = tell()
    finally:
        os.close(kept)
    life = int(told["env"]["BRIDGEKIT_LIFELINE"])
    assert told["fds"] == sorted({0, 1, 2, life})


def test_its_own_session_and_group_and_no_shell(tmp_path: Path) -> None:
    told = tell(cwd=tmp_path)
    assert told["group"] == told["session"] == told["pid"]
    assert told["cwd"] == os.path.realpath(tmp_path)
    assert told["argv"][1:] == ["a b", "$HOME", "`id`", ""]


def test_signals_are_as_in_a_fresh_process() -> None:
    code = "import signal; print(signal.pthread_sigmask(0, []), signal.getsignal(15).name)"
    child = launch(plan_launch(bare(code)))
    said = read_line(child.stdout)
    child.close()
    assert said == "set() SIG_DFL\n"


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def refused(plan) -> str:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(BackendStartError) as caught:
        launch(plan)
    assert set(os.listdir("/proc/self/fd")) == before
    assert caught.value.backend == plan.name
    return str(caught.value)


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    plan = plan_launch([script(tmp_path / "tool", "hello\n")])
    assert "starts with '#!'" in refused(plan)


def test_a_missing_script_interpreter(tmp_path: Path) -> None:
    plan = plan_launch([script(tmp_path / "tool", "#!/no/such/interpreter\n")])
    assert "named in its first line" in refused(plan)


def test_what_vanished_between_plan_and_launch(tmp_path: Path) -> None:
    tool = script(tmp_path / "tool", "#!/bin/sh\n")
    plan = plan_launch([tool])
    tool.unlink()
    assert "no such file" in refused(plan)
    (tmp_path / "place").mkdir()
    plan = plan_launch([sys.executable], cwd=tmp_path / "place")
    (tmp_path / "place").rmdir()
    assert "working directory" in refused(plan)


def test_too_many_open_files() -> None:
    plan = plan_launch([sys.executable])
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 3, hard))
    try:
        with pytest.raises(BackendStartError) as caught:
            launch(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "too many open files" in str(caught.value)
    assert len(os.listdir("/proc/self/fd")) == used


def test_too_long_a_command_line() -> None:
    plan = plan_launch([sys.executable, "x" * 10_000_000])
    assert "too long" in refused(plan)


def test_an_environment_that_cannot_be(monkeypatch) -> None:
    plan = attrs.evolve(plan_launch([sys.executable]), env={"A=B": "C"})
    assert "illegal environment" in refused(plan)


def test_other_reasons_keep_their_own_words(monkeypatch) -> None:
    import subprocess

    def refuse(*_args, **_options):
        raise OSError(errno.EIO, "the disk is on fire")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert "the disk is on fire" in refused(plan_launch([sys.executable]))


def test_an_interrupt_during_the_start_leaks_nothing(monkeypatch) -> None:
    import subprocess

    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", interrupt)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyboardInterrupt):
        launch(plan_launch([sys.executable]))
    assert set(os.listdir("/proc/self/fd")) == before


def test_concurrent_starts_share_nothing() -> None:
    told: list[dict] = []
    threads = [threading.Thread(target=lambda: told.append(tell())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each["fds"]) for each in told] == [4] * 6


def test_the_launcher_takes_the_lock_that_forks_take(monkeypatch) -> None:
    entered = []

    class Recorder:
        def __enter__(self) -> None:
            entered.append("in")

        def __exit__(self, *_: object) -> None:
            entered.append("out")

    monkeypatch.setattr(lifeline, "spawning", Recorder())
    posix_launch(plan_launch(bare("pass"))).close()
    assert entered == ["in", "out"]
