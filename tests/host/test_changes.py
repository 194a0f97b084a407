"""The stream of changes of a manager's backends."""

from __future__ import annotations

import anyio
import pytest

from bridgekit import ProcessManager
from bridgekit.host.changes import Changes
from tests.host.support import DEADLINE, MENU


async def test_every_step_of_a_life_is_told(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        changes = manager.changes()
        menu = await manager.spawn(MENU)
        await menu.call("add", [1, 1])
        await menu.terminate()
    steps = [change async for change in changes]
    assert [(step.old, step.new) for step in steps] == [
        ("stopped", "starting"),
        ("starting", "ready"),
        ("ready", "busy"),
        ("busy", "ready"),
        ("ready", "stopping"),
        ("stopping", "stopped"),
    ]
    assert {(step.backend, step.worker) for step in steps} == {("menu", 0)}
    assert all(step.reason for step in steps)


async def test_a_stalled_reader_delays_nothing_and_closing_ends_it(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        stalled, closed = manager.changes(), manager.changes()
        menu = await manager.spawn(MENU)
        for _ in range(200):
            await menu.call("add", [1, 1])
        assert (await stalled.__anext__()).new == "starting"
        await closed.aclose()
        with anyio.fail_after(DEADLINE):
            assert isinstance(closed, Changes)
            while True:
                try:
                    await closed.__anext__()
                except StopAsyncIteration:
                    break


async def test_a_reader_that_waits_is_woken(anyio_backend: str) -> None:
    seen: list[str] = []
    async with anyio.create_task_group() as group, ProcessManager() as manager:
        changes = manager.changes()

        async def read() -> None:
            async for change in changes:
                seen.append(change.new)  # noqa: PERF401

        group.start_soon(read)
        await manager.spawn(MENU)
    assert seen[:2] == ["starting", "ready"]
    assert seen[-1] == "stopped"


async def test_without_a_loop_there_is_nothing_to_read(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        changes = manager.changes()
    with pytest.raises(StopAsyncIteration):
        await changes.__anext__()
