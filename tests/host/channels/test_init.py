"""Finding a channel by the name of the running library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.errors import BridgeError
from bridgekit.host import channels


async def test_the_running_library_names_the_channel(anyio_backend: str) -> None:
    assert channels.channel_class().__module__ == f"bridgekit.host.channels.{anyio_backend}"


async def test_windows_reads_with_threads(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert channels.channel_class().__module__.endswith(f".{anyio_backend}_threads")


def test_without_a_loop_the_blocking_face_is_named() -> None:
    with pytest.raises(BridgeError, match=r"bridgekit\.blocking"):
        channels.channel_class()


async def test_an_unknown_library_is_named(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_running_library", lambda: "curio")
    with pytest.raises(BridgeError, match="'curio'"):
        channels.channel_class()


def test_a_loop_is_found_where_nothing_but_anyio_is_installed(tmp_path: Path) -> None:
    (tmp_path / "sniffio.py").write_text("raise ModuleNotFoundError(name='sniffio')")
    code = "import asyncio\nfrom bridgekit.host import channels\n"
    code += "async def main(): print(channels.channel_class().__module__)\nasyncio.run(main())\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "bridgekit.host.channels.asyncio\n", done.stderr
