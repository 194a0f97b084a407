"""The kernel's count of processes killed for want of memory, in files of every shape."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgekit import BackendDied, ProcessManager
from bridgekit.host.oom import OomWatch, oom_kills

HUNGRY = """
import os, sys
from bridgekit import PythonBridge
with open(sys.argv[1] + "/cgroup.procs", "w") as group:
    group.write(str(os.getpid()))
class Hungry(PythonBridge):
    def eat(self):
        food = []
        while True:
            food.append(bytearray(1 << 20))
if __name__ == "__main__":
    Hungry().run()
"""
LIMIT = 64 * 1024 * 1024


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of our own, below ours, that has little memory."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    group = None
    for _, controllers, path in lines:
        for root, wanted, limit in (
            ("/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "", "memory.max"),
        ):
            above = Path(f"{root}{path}")
            if wanted not in controllers.split(",") or not (above / "cgroup.procs").exists():
                continue
            group = above / f"bridgekit-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError as error:
                pytest.skip(f"no control group can be made in {above}: {error}")
            if (group / limit).exists():
                break
            group.rmdir()
            group = None
        if group is not None:
            break
    if group is None:
        pytest.skip("the kernel offers no control groups that limit memory here")
    try:
        try:
            (group / limit).write_text(str(LIMIT))
        except OSError as error:
            pytest.skip(f"{group} cannot be limited: {error}")
        yield group
    finally:
        group.rmdir()


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


def test_the_group_of_the_child_counts(tmp_path: Path) -> None:
    proc, mounted = world(
        tmp_path, "2:memory:/child\n", {"memory/child/memory.oom_control": EVENTS}
    )
    (tmp_path / "proc" / "self").mkdir()
    (tmp_path / "proc" / "self" / "cgroup").write_text("2:memory:/host\n")
    watch = OomWatch(proc, mounted)
    watch.follow(7)
    assert not watch.struck
    (tmp_path / "proc" / "7" / "cgroup").unlink()  # as if it were gone
    watch.follow(7)
    counter = tmp_path / "groups/memory/child/memory.oom_control"
    counter.write_text(EVENTS.replace("oom_kill 2", "oom_kill 3"))
    assert watch.struck


async def test_a_backend_that_the_kernel_kills(
    anyio_backend: str, tmp_path: Path, small_group: Path
) -> None:
    """For real: a child with 64 MiB, in a group that is not its host's, that wants more."""
    script = tmp_path / "hungry.py"
    script.write_text(HUNGRY)
    async with ProcessManager() as manager:
        backend = await manager.spawn(script, args=[str(small_group)], restart="never")
        with pytest.raises(BackendDied, match="OOM killer") as caught:
            await backend.call("eat", timeout=30)
        assert caught.value.signal == "SIGKILL"
        assert backend.status.last_exit is not None
        assert "OOM killer" in backend.status.last_exit.description
