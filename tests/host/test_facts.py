"""What /proc tells of a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest

from bridgekit import ProcessManager
from bridgekit.host.facts import cpu_seconds, resident_memory
from tests.host.supervision_support import MOODY
from tests.host.support import MENU, until


def test_our_own_figures() -> None:
    assert (resident_memory(os.getpid()) or 0) > 1_000_000
    assert (cpu_seconds(os.getpid()) or 0) > 0


def test_what_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert resident_memory(7, str(tmp_path)) is None
    assert cpu_seconds(7, str(tmp_path)) is None


def test_a_name_with_brackets_and_blanks_misleads_nobody(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = " ".join(["S", *["0"] * 10, "150", "50", *["0"] * 20])
    (tmp_path / "7" / "stat").write_text(f"7 (a) b (c) {fields}\n")
    ticks = os.sysconf("SC_CLK_TCK")
    assert cpu_seconds(7, str(tmp_path)) == pytest.approx(200 / ticks)


async def test_they_are_in_the_status(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        status = (await manager.spawn(MENU)).status
        assert (status.memory or 0) > 1_000_000
        assert status.cpu is not None
        assert status.executable_exists


async def test_what_a_backend_said_of_itself_stays_while_it_has_no_process(
    anyio_backend: str, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    async with ProcessManager() as manager:
        backend = await manager.spawn(MENU, python=python)
        before = backend.status
        assert "add" in before.methods
        os.unlink(python)
        await backend.terminate()
        after = backend.status
        assert (after.pid, after.state) == (None, "stopped")
        assert (after.methods, after.python_version) == (before.methods, before.python_version)
        assert (after.executable, after.executable_exists) == (before.executable, False)


async def test_nothing_is_said_of_a_backend_that_is_only_starting(
    anyio_backend: str, tmp_path: Path
) -> None:
    moods = tmp_path / "moods"
    moods.write_text("hang")
    async with ProcessManager() as manager, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: manager.spawn(MOODY, name="moody", env={"MOODS": str(moods)}))
        await until(lambda: "moody" in manager.backends and manager.backends["moody"].status.pid)
        for status in (manager.backends["moody"].status, *manager.backends["moody"].statuses):
            assert (status.state, status.plain, status.methods) == ("starting", False, ())
        tasks.cancel_scope.cancel()
