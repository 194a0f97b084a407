"""What /proc tells of a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridgekit import ProcessManager
from bridgekit.host.facts import cpu_seconds, resident_memory
from tests.host.support import MENU


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
