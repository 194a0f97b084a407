"""A place at a worker is free when the backend has ended all that was done in it."""

from __future__ import annotations

import anyio
import pytest

from bridgekit import EncodeError, ProcessManager, QueueFull
from tests.host.support import DEADLINE, MENU, until


async def test_a_list_counts_as_one_call(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        async with anyio.create_task_group() as group:
            group.start_soon(menu.call_many, "sleep", [[0.02]] * 10)
            await until(lambda: menu.status.in_flight)
            assert menu.status.in_flight == 1
            group.start_soon(menu.call, "add", [1, 1])
            await until(lambda: menu.status.queued == 1)
        assert (menu.status.in_flight, menu.status.calls) == (0, 2)


async def test_a_stream_is_told_by_the_status_and_keeps_no_call_waiting(
    anyio_backend: str,
) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU, queue_limit=1)
        seen = []
        async with menu.stream("rows", {"n": 200}) as one, menu.stream("rows", {"n": 200}) as two:
            async for row in one:
                assert await two.__anext__() == row
                assert seen or menu.status.in_flight == 2  # not all of it has come yet
                seen.append(await menu.call("add", [row, 1], timeout=DEADLINE))
                assert await menu.call_many("add", [[row, 1]], timeout=DEADLINE) == seen[-1:]
            await two.aclose()
        assert seen == list(range(1, 201))
        assert (menu.status.in_flight, menu.status.calls) == (0, 402)
        async with anyio.create_task_group() as group:  # and calls are still one at a time
            group.start_soon(menu.call, "sleep", [0.2])
            await until(lambda: menu.status.in_flight)
            group.start_soon(menu.call, "add", [1, 1])
            await until(lambda: menu.status.queued)
            with pytest.raises(QueueFull):
                await menu.call("add", [1, 1])


async def test_what_was_given_up_holds_its_place_until_it_has_ended(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        with anyio.move_on_after(0.1):
            await menu.call_many("sleep", [[60]] * 4)
        assert menu.status.in_flight == 1
        assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
        assert menu.status.in_flight == 0


async def test_a_place_that_was_not_used_is_free_at_once(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        assert await menu.call_many("add", []) == []
        with pytest.raises(EncodeError):
            await menu.stream("rows", {"n": object()}).__anext__()
        assert (menu.status.in_flight, menu.status.calls) == (0, 0)


async def test_a_place_taken_back_before_it_was_used_is_granted_again(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU, restart={"backoff": 0})
        driver = menu._driver
        entry = driver.entry("rows", None, None, sends=False)
        driver.admit(entry)
        first = entry.worker
        assert first is not None
        first.handle.child.kill()
        await until(lambda: entry.worker is not first and entry.worker is not None)
        driver.drop(entry)
        assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
