"""``bridgekit ps``: what every ``bridgekit up`` runs, asked from another process."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.support import Running, bridgekit, write_set


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_nothing_runs() -> None:
    assert bridgekit("ps").stdout == "nothing is running\n"
    assert json.loads(bridgekit("ps", "--json").stdout) == {"running": []}


def test_several_at_once(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    paths = [write_set(folder) for folder in folders]
    with Running(paths[0]) as one, Running(paths[1]) as two, Running(paths[1]) as three:
        for each in (one, two, three):
            each.until_ready()
        done = bridgekit("ps")
        assert done.returncode == 0, done.stderr
        for each in (one, two, three):
            assert f"{each.path} (process {each.process.pid})" in done.stdout
            assert all(f" {pid} " in done.stdout for pid in each.pids())
        assert done.stdout.count("two/1    ready  ") == 3
        found = json.loads(bridgekit("ps", paths[1], "--json").stdout)["running"]
        assert {each["pid"] for each in found} == {two.process.pid, three.process.pid}
        assert all(each.end(signal.SIGTERM)[0] == 0 for each in (one, two, three))
    assert bridgekit("ps").stdout == "nothing is running\n"


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        up.end(signal.SIGKILL)
    assert [path.stem for path in (tmp_path / "bridgekit").iterdir()] == [str(up.process.pid)]
    assert bridgekit("ps").stdout == "nothing is running\n"
    assert list((tmp_path / "bridgekit").iterdir()) == []


def test_one_that_does_not_answer(tmp_path: Path) -> None:
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        os.kill(up.process.pid, signal.SIGSTOP)
        assert bridgekit("ps").stdout == f"process {up.process.pid} does not answer\n"
        (found,) = json.loads(bridgekit("ps", "--json").stdout)["running"]
        assert found == {"pid": up.process.pid, "file": None, "backends": None}
        os.kill(up.process.pid, signal.SIGCONT)
        assert up.end(signal.SIGTERM)[0] == 0
