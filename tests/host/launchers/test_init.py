"""Plans: everything about a child before it exists."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bridgekit import BackendStartError
from bridgekit.host.launchers import BACKEND_MAIN, get_launcher, launch, plan_launch


def test_a_script_runs_under_the_lent_backend_room(tmp_path: Path) -> None:
    script = tmp_path / "counter.py"
    script.write_text("pass\n")
    plan = plan_launch(script, args=["--fast", "a b"], name="mine", python=sys.executable)
    real = os.path.realpath(script)
    assert plan.argv == (sys.executable, BACKEND_MAIN, real, "--fast", "a b")
    assert os.path.isabs(BACKEND_MAIN)
    assert plan.name == "mine"
    assert plan.python is not None
    assert plan.python.is_host
    assert plan.env["BRIDGEKIT_WIRE"] == "native"


def test_a_command_runs_as_it_is(tmp_path: Path) -> None:
    plan = plan_launch([sys.executable, "-c", "pass"], args=["more"], wire="jsonrpc")
    assert plan.argv == (sys.executable, "-c", "pass", "more")
    assert plan.python is None
    assert plan.env["BRIDGEKIT_WIRE"] == "jsonrpc"


def test_the_environment_is_the_childs(monkeypatch) -> None:
    monkeypatch.setenv("MY_SECRET", "hush")
    monkeypatch.setenv("MY_MODE", "test")
    plan = plan_launch([sys.executable], env={"SET": "1", "HOME": None}, inherit=["MY_M*"])
    assert "MY_SECRET" not in plan.env
    assert "HOME" not in plan.env
    assert (plan.env["MY_MODE"], plan.env["SET"]) == ("test", "1")


def test_packages_are_lent_to_the_same_interpreter_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/src")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    script = tmp_path / "counter.py"
    script.write_text("pass\n")
    assert plan_launch(script).env["PYTHONPATH"] == "/src"
    other = tmp_path / "other" / "bin" / "python3"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert "PYTHONPATH" not in plan_launch(script, python=tmp_path / "other").env


def test_a_relative_target_starts_at_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "counter.py").write_text("pass\n")
    plan = plan_launch("counter.py", cwd=tmp_path)
    assert plan.cwd == str(tmp_path)
    assert plan.target.path == os.path.realpath(tmp_path / "counter.py")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cwd": "/no/such/directory"}, "'/no/such/directory' does not exist"),
        ({"cwd": __file__}, "is not a directory"),
        ({"python": "python3"}, "is a command, not a Python file"),
    ],
)
def test_what_cannot_work_is_refused_before_a_process_exists(options, said: str) -> None:
    with pytest.raises(BackendStartError) as caught:
        plan_launch([sys.executable], **options)
    assert said in str(caught.value)


def test_roots_confine(tmp_path: Path) -> None:
    with pytest.raises(BackendStartError, match="outside the allowed"):
        plan_launch([sys.executable], roots=[tmp_path])


def test_launchers_are_found_by_name(tmp_path: Path) -> None:
    assert get_launcher("posix").launch
    assert get_launcher("auto") is get_launcher("posix")
    with pytest.raises(ModuleNotFoundError):
        get_launcher("teleport")
    child = launch(plan_launch([sys.executable, "-c", "pass"]), "posix")
    assert child.wait(20)
    child.close()


def test_the_windows_launcher_says_where_it_works() -> None:
    with pytest.raises(BackendStartError, match="works on Windows only"):
        launch(plan_launch([sys.executable]), "windows")


def test_a_process_is_told_how_large_a_frame_may_be() -> None:
    plan = plan_launch([sys.executable], env={"BRIDGEKIT_MAX_FRAME": "5"}, max_frame=5000)
    assert plan.env["BRIDGEKIT_MAX_FRAME"] == "5000"
    assert plan_launch([sys.executable]).env["BRIDGEKIT_MAX_FRAME"] == str(16 * 1024 * 1024)
