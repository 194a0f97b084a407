"""The example host on node:child_process, run by Node.js against a real backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts import javascript

pytestmark = pytest.mark.js

HOST = javascript.HOSTS / "node" / "bridge.js"


@pytest.fixture(scope="module")
def node() -> str:
    return javascript.find("node")


@pytest.mark.parametrize("check", javascript.checks())
def test_host(node: str, check: str) -> None:
    javascript.run_check(node, HOST, check)


@pytest.mark.parametrize("way", javascript.WAYS_TO_LIVE_ON, ids=" with ".join)
def test_a_killed_host_leaves_no_backend(node: str, way: tuple[str, str], tmp_path: Path) -> None:
    javascript.kill_host(node, HOST, way, tmp_path)


def test_demonstration(node: str) -> None:
    javascript.run_demo(node, HOST.with_name("main.js"))
