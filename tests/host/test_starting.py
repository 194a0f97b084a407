"""Callbacks of the event loop start tasks, whatever has started the loop."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from bridgekit import BackendDied, ProcessManager
from bridgekit.host.starting import Starter
from tests.host.support import DEADLINE, MENU


def test_supervision_under_plain_asyncio_run() -> None:
    async def main() -> None:
        async with ProcessManager() as manager:
            pool = await manager.spawn(MENU, name="pool", workers=2, warm_spares=1)
            before = {status.pid for status in pool.statuses}
            await pool.restart()
            assert not before & {status.pid for status in pool.statuses}
            menu = await manager.spawn(MENU, restart={"backoff": 0})
            with pytest.raises(BackendDied):
                await menu.call("die", [3])
            assert await menu.call("add", [1, 2], timeout=DEADLINE) == 3

    asyncio.run(asyncio.wait_for(main(), DEADLINE))


async def test_a_callback_starts_a_task(anyio_backend: str) -> None:
    started = anyio.Event()

    async def task(event: anyio.Event) -> None:
        event.set()

    async with anyio.create_task_group() as group:
        starter = Starter(group)
        assert starter.channel.__module__.endswith(anyio_backend)
        if anyio_backend == "asyncio":
            asyncio.get_running_loop().call_soon(starter.start_soon, task, started)
        else:
            starter.start_soon(task, started)
        await started.wait()
