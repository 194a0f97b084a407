"""The channels of Windows, run here over blocking pipes: whole backends, both libraries."""

from __future__ import annotations

import importlib
import os
from typing import Any

import anyio
import pytest

from bridgekit import BackendDied, CallTimeout, ProcessManager
from bridgekit.host import launchers, starting
from tests.host.support import DEADLINE, MENU


@pytest.fixture
def threaded(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"bridgekit.host.channels.{anyio_backend}_threads")
    launch = launchers.launch

    def blocking(*args: Any) -> launchers.ChildProcess:
        child = launch(*args)
        for fd in (child.stdin, child.stdout, child.stderr):
            os.set_blocking(fd, True)
        return child

    monkeypatch.setattr(starting, "channel_class", lambda: module.Channel)
    monkeypatch.setattr(launchers, "launch", blocking)


async def test_a_whole_life(threaded: None, anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=2.0) as manager:
        menu = await manager.spawn(MENU)
        assert await menu.call("add", [1, 2]) == 3
        assert await menu.call_many("add", [[1, 1]] * 500) == [2] * 500
        value = "x" * 3_000_000
        assert await menu.call("echo", [value], timeout=DEADLINE) == value
        assert [item async for item in menu.stream("rows", {"n": 200})] == list(range(200))
        with pytest.raises(CallTimeout):
            await menu.call("sleep", [60], timeout=0.05)
        text: list[str] = []
        menu.on("$/output", lambda event: text.append(event.data["text"]))
        await menu.call("whisper", ["to stderr\n"])
        with pytest.raises(BackendDied, match="my last words"):
            await menu.call("die", [3])
        assert "to stderr" in "".join(text)
        other = await manager.spawn(MENU)
        assert await other.call("add", [1, 2]) == 3
    assert other.status.last_exit is not None
    assert other.status.last_exit.code == 0


async def test_a_flood_is_not_read_far_ahead(threaded: None, anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=2.0) as manager:
        menu = await manager.spawn(MENU)
        seen = 0

        def count(_event: object) -> None:
            nonlocal seen
            seen += 1

        menu.on("tick", count)
        async with anyio.create_task_group() as group:
            group.start_soon(menu.call, "fire", {"topic": "tick", "count": 3000, "size": 500})
            group.start_soon(menu.call_many, "add", [[1, 1]] * 300)
        assert seen == 3000
