"""Finding a channel by the name of the running library."""

from __future__ import annotations

import sys

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
