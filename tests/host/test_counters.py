"""The counters of a backend go on where those of its processes ended."""

from __future__ import annotations

import pytest

from bridgekit import BackendDied, ProcessManager, RemoteError
from tests.host.support import MENU, until


async def test_counters_outlive_processes(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        await menu.call("add", [1, 1])
        with pytest.raises(RemoteError):
            await menu.call("fail", ["x"])
        with pytest.raises(BackendDied):
            await menu.call("die")
        assert (menu.status.calls, menu.status.failed_calls) == (3, 2)
        await until(lambda: menu.status.state == "ready")
        await menu.call("add", [1, 1])
        assert (menu.status.calls, menu.status.failed_calls) == (4, 2)
