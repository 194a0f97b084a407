"""From specs to launches."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bridgekit import BackendSpec, BackendStartError
from bridgekit.host.planning import is_passing, plan_of
from tests.host.support import MENU


def test_a_plan_carries_name_and_limits() -> None:
    spec = BackendSpec(MENU, limits={"open_files": 64})
    assert plan_of(spec).name == "menu"
    assert plan_of(spec, "other").name == "other"
    assert plan_of(spec).limits.open_files == 64


def test_whose_launch_cannot_work_is_known_to_programs(tmp_path: Path) -> None:
    spec = BackendSpec(tmp_path / "missing.py", name="mine")
    for name, expected in ((None, "mine"), ("other", "other")):
        with pytest.raises(BackendStartError) as caught:
            plan_of(spec, name)
        assert caught.value.backend == expected


def test_a_limit_of_memory_needs_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    for options in ({"limits": {"rss": 1 << 30}}, {"recycle": {"memory": 1 << 30}}):
        with pytest.raises(BackendStartError, match="needs /proc"):
            plan_of(BackendSpec(MENU, **options))  # type: ignore[arg-type]


def test_want_of_room_passes_and_a_missing_file_does_not(tmp_path: Path) -> None:
    with pytest.raises(BackendStartError) as caught:
        plan_of(BackendSpec(tmp_path / "missing.py"))
    assert not is_passing(caught.value)
    error = BackendStartError("x")
    error.__cause__ = OSError(errno.EMFILE, "too many")
    assert is_passing(error)
