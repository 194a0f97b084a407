"""What a target names, and what is said when it names nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bridgekit import BackendStartError
from bridgekit.host.targets import resolve_target


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "counter.py").write_text("pass\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_script_by_relative_path_absolute_path_and_path_object(here: Path) -> None:
    real = os.path.realpath(here / "counter.py")
    for target in ("counter.py", "./counter.py", str(here / "counter.py"), Path("counter.py")):
        found = resolve_target(target)
        assert (found.kind, found.name, found.path) == ("script", "counter", real)
        assert found.argv == (real,)


def test_a_class_in_a_script(here: Path) -> None:
    found = resolve_target("counter.py:Counter")
    assert found.kind == "script"
    assert found.argv == (f"{os.path.realpath(here / 'counter.py')}:Counter",)


def test_a_script_relative_to_a_working_directory(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "inner.py").write_text("pass\n")
    assert resolve_target("inner.py", cwd=here / "sub").name == "inner"


def test_a_class_in_a_module(here: Path) -> None:
    found = resolve_target("package.module:Counter")
    assert (found.kind, found.name, found.path) == ("module", "Counter", None)
    assert found.argv == ("package.module:Counter",)


def test_words_are_run_as_they_are(here: Path) -> None:
    found = resolve_target([sys.executable, "counter.py", "--flag", "a b"])
    assert found.kind == "command"
    assert found.argv == (sys.executable, "counter.py", "--flag", "a b")


def test_an_executable_by_path_and_by_name(here: Path, monkeypatch) -> None:
    tool = executable(here / "my-tool")
    assert resolve_target("./my-tool").argv == (str(tool),)
    assert resolve_target("my-tool").name == "my-tool"
    monkeypatch.chdir("/")
    assert resolve_target("my-tool", search_path=str(here)).argv == (str(tool),)


def test_a_link_to_a_script_is_followed_but_an_executables_name_is_kept(here: Path) -> None:
    (here / "link.py").symlink_to(here / "counter.py")
    assert resolve_target("link.py").path == os.path.realpath(here / "counter.py")
    tool = executable(here / "tool")
    (here / "alias").symlink_to(tool)
    assert resolve_target("./alias").argv == (str(here / "alias"),)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("countr.py", "'countr.py' does not exist (looked in"),
        ("countr.py", "did you mean 'counter.py'?"),
        ("nowhere/x.py", "that directory does not exist"),
        ("no-such-tool-at-all", "no such command on PATH"),
        ("./no-such-tool", "does not exist"),
        ("", "the target is empty"),
        ([], "the target is empty"),
        ("a\0.py", "NUL"),
        (["tool", "a\0"], "NUL"),
        ("folder.py", "is a directory"),
        (".", "is a directory"),
        ("plain.txt", "chmod +x"),
    ],
)
def test_a_wrong_target_is_explained(here: Path, target, said: str) -> None:
    (here / "folder.py").mkdir()
    (here / "plain.txt").write_text("hello")
    with pytest.raises(BackendStartError) as caught:
        resolve_target(target)
    assert said in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_script(here: Path) -> None:
    (here / "counter.py").chmod(0)
    with pytest.raises(BackendStartError, match="permission denied"):
        resolve_target("counter.py")


def test_roots_confine_by_real_path(here: Path, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "evil.py").write_text("pass\n")
    (here / "innocent.py").symlink_to(outside / "evil.py")
    assert resolve_target("counter.py", roots=[outside, here]).name == "counter"
    for target in (str(outside / "evil.py"), "innocent.py", f"../{outside.name}/evil.py"):
        with pytest.raises(BackendStartError, match=r"outside the allowed directories|not exist"):
            resolve_target(target, roots=[here])
    with pytest.raises(BackendStartError, match="outside the allowed"):
        resolve_target("innocent.py", roots=[here])
    with pytest.raises(BackendStartError, match="outside the allowed"):
        resolve_target([sys.executable, "x"], roots=[here])
    with pytest.raises(BackendStartError, match="name its file instead"):
        resolve_target("package.module:Class", roots=[here])


def test_a_sibling_with_the_same_prefix_is_outside(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app-evil").mkdir()
    (tmp_path / "app-evil" / "x.py").write_text("pass\n")
    with pytest.raises(BackendStartError, match="outside"):
        resolve_target(tmp_path / "app-evil" / "x.py", roots=[tmp_path / "app"])
