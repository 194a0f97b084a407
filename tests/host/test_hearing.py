"""Listening outlives the processes that speak; test_handle_events.py has the rest."""

from __future__ import annotations

import anyio
import pytest

from bridgekit import BackendDied, ProcessManager
from tests.host.support import DEADLINE, MENU, until


async def test_handlers_and_readers_hear_every_generation(anyio_backend: str) -> None:
    heard: list[int] = []
    later: list[int] = []

    async def handler(event: object) -> None:
        later.append(event.data["n"])  # type: ignore[attr-defined]

    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU, restart={"backoff": 0})
        menu.on("tick", lambda event: heard.append(event.data["n"]))
        menu.on("tick", handler)
        async with menu.events("tick") as queue:
            for _ in range(2):
                await menu.call("fire", {"topic": "tick", "count": 2}, timeout=DEADLINE)
                with pytest.raises(BackendDied):
                    await menu.call("die")
            await until(lambda: menu.status.state == "ready")
            await menu.terminate()
            assert [event.data["n"] async for event in queue] == [0, 1, 0, 1]
        assert heard == [0, 1, 0, 1]
        await until(lambda: later == heard)


async def test_a_reader_of_what_has_ended_reads_nothing(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        await menu.terminate()
        with anyio.fail_after(DEADLINE):
            async with menu.events() as queue:
                assert [event async for event in queue] == []
        assert menu.status.dropped_events == 0


async def test_output_of_two_workers_is_logged_once_each(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridgekit.backend.menu")
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU, workers=2)
        await until(lambda: [one.state for one in menu.statuses] == ["ready"] * 2)
        await menu.call("work", {"steps": 1})
    assert [record.getMessage() for record in caplog.records].count("printed 0") == 1
