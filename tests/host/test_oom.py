"""The kernel's count of processes killed for want of memory, in files of every shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgekit.host.oom import oom_kills


def world(folder: Path, groups: str, files: dict[str, str]) -> tuple[str, str]:
    (folder / "proc" / "7").mkdir(parents=True)
    (folder / "proc" / "7" / "cgroup").write_text(groups)
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder / "proc"), str(folder / "groups")


EVENTS = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"


@pytest.mark.parametrize(
    ("groups", "files", "count"),
    [
        ("0::/app\n", {"app/memory.events": EVENTS}, 2),
        ("0::/not/mine\n", {"memory.events": EVENTS}, 2),
        ("3:cpu:/x\n2:memory:/app\n", {"memory/app/memory.oom_control": EVENTS}, 2),
        ("0::/app\n", {}, 0),
        ("0::/app\n", {"app/memory.events": "oom_kill many\n"}, 0),
        ("nonsense\n", {}, 0),
    ],
)
def test_counts(tmp_path: Path, groups: str, files: dict[str, str], count: int) -> None:
    proc, mounted = world(tmp_path, groups, files)
    assert oom_kills(7, proc, mounted) == count


def test_a_system_without_control_groups_tells_nothing(tmp_path: Path) -> None:
    assert oom_kills(7, str(tmp_path), str(tmp_path)) == 0


def test_it_can_be_asked_of_ourselves() -> None:
    assert oom_kills() >= 0
