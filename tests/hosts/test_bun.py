"""The example host on Bun.spawn, run by Bun against a real backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts import javascript

pytestmark = [pytest.mark.js, pytest.mark.timeout(600)]  # the first test installs Bun

HOST = javascript.HOSTS / "bun" / "bridge.ts"


@pytest.fixture(scope="module")
def bun() -> str:
    return str(javascript.install(HOST.parent) / ".bin" / "bun")


@pytest.mark.parametrize("check", javascript.checks())
def test_host(bun: str, check: str) -> None:
    javascript.run_check(bun, HOST, check)


@pytest.mark.parametrize("way", javascript.WAYS_TO_LIVE_ON, ids=" with ".join)
def test_a_killed_host_leaves_no_backend(bun: str, way: tuple[str, str], tmp_path: Path) -> None:
    javascript.kill_host(bun, HOST, way, tmp_path)


def test_demonstration(bun: str) -> None:
    javascript.run_demo(bun, HOST.with_name("main.ts"))
