"""Finding the Python that runs a backend."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest

from bridgekit import BackendStartError, has_python, python_version
from bridgekit.host import interpreters
from bridgekit.host.interpreters import find_python, host_python

HERE = ".".join(map(str, sys.version_info[:3]))


def fake_python(directory: Path, answer: str = "3.11.7") -> Path:
    """An executable that answers the question for its version as told."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "python3"
    path.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch) -> pytest.MonkeyPatch:
    """A frozen host program on a machine with nothing around it."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("PATH", "")
    return monkeypatch


def test_the_hosts_own_interpreter_is_the_default(monkeypatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    found = find_python()
    assert found.path == sys.executable
    assert found.is_host
    assert python_version() == HERE
    assert has_python()


def test_a_venv_beside_the_backend_comes_first(tmp_path: Path) -> None:
    python = fake_python(tmp_path / ".venv" / "bin")
    found = find_python(beside=tmp_path / "backend.py")
    assert (found.path, found.source) == (str(python), ".venv beside the backend")
    assert not found.is_host


def test_a_link_in_a_venv_is_not_followed(tmp_path: Path) -> None:
    builder = venv.EnvBuilder(symlinks=True, with_pip=False)
    builder.create(tmp_path / ".venv")
    found = find_python(beside=tmp_path / "backend.py")
    assert found.path == str(tmp_path / ".venv" / "bin" / "python3")
    assert python_version(found.path) == HERE


def test_an_activated_environment_serves_a_frozen_host(tmp_path: Path, bare) -> None:
    python = fake_python(tmp_path / "bin")
    bare.setenv("VIRTUAL_ENV", str(tmp_path))
    assert find_python().path == str(python)
    assert find_python().source == "VIRTUAL_ENV"


def test_an_activated_environment_can_come_before_the_hosts_own(
    tmp_path: Path, monkeypatch
) -> None:
    python = fake_python(tmp_path / "bin")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    assert find_python(active_first=True).path == str(python)


def test_path_serves_a_frozen_host(tmp_path: Path, bare) -> None:
    python = fake_python(tmp_path)
    bare.setenv("PATH", str(tmp_path))
    assert find_python().path == str(python)
    assert python_version() == "3.11.7"


def test_nothing_found_names_every_place(bare) -> None:
    with pytest.raises(BackendStartError) as caught:
        find_python(beside="/nowhere/backend.py")
    for place in (".venv beside", "VIRTUAL_ENV", "host's own interpreter", "PATH"):
        assert place in str(caught.value)
    assert python_version() is None
    assert not has_python()


def test_the_programs_that_are_no_interpreters(monkeypatch) -> None:
    assert host_python() == sys.executable
    for executable in ("/opt/blender/blender", "", None):
        monkeypatch.setattr(sys, "executable", executable)
        assert host_python() is None
    for executable in ("/usr/bin/python3.12", "/usr/bin/pypy3", "C:/x/Python.EXE"):
        monkeypatch.setattr(sys, "executable", executable)
        assert host_python() == executable


def test_explicit_file_directory_and_command(tmp_path: Path, monkeypatch) -> None:
    python = fake_python(tmp_path / "env" / "bin")
    assert find_python(python).path == str(python)
    assert find_python(tmp_path / "env").path == str(python)
    monkeypatch.setenv("PATH", str(python.parent))
    assert find_python("python3").path == str(python)


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("/no/such/python", "'/no/such/python' does not exist"),
        ("no-such-python-9.9", "no command 'no-such-python-9.9' on PATH"),
    ],
)
def test_an_explicit_one_that_is_not_there(python: str, said: str) -> None:
    with pytest.raises(BackendStartError) as caught:
        find_python(python)
    assert said in str(caught.value)
    assert python_version(python) is None
    assert not has_python(python)


def test_an_explicit_directory_without_one_and_a_file_that_is_not_executable(
    tmp_path: Path,
) -> None:
    with pytest.raises(BackendStartError, match="no Python interpreter in the directory"):
        find_python(tmp_path)
    (tmp_path / "python").write_text("")
    with pytest.raises(BackendStartError, match="not executable"):
        find_python(tmp_path / "python")


@pytest.mark.parametrize(
    ("answer", "version", "good"),
    [
        ("3.9.0", "3.9.0", True),
        ("3.8.18", "3.8.18", False),
        ("2.7.18", "2.7.18", False),
        ("hello", None, False),
        ("", None, False),
    ],
)
def test_versions(tmp_path: Path, answer: str, version: str | None, good: bool) -> None:
    python = fake_python(tmp_path, answer)
    assert python_version(python) == version
    assert has_python(python) is good


def test_an_interpreter_that_fails_or_hangs(tmp_path: Path, monkeypatch) -> None:
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    assert python_version(broken) is None
    monkeypatch.setattr(interpreters, "_ASK_TIMEOUT", 0.05)
    broken.write_text("#!/bin/sh\nexec sleep 60\n")
    assert python_version(broken) is None


def test_a_stub_that_opens_a_shop_is_no_interpreter(tmp_path: Path, bare) -> None:
    fake_python(tmp_path / "WindowsApps")
    bare.setenv("PATH", os.fspath(tmp_path / "WindowsApps"))
    assert python_version() is None
