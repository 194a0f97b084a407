"""Streams on asyncio and trio, with real backends."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator

import anyio
import pytest

from bridgekit import BackendDied, CallTimeout, ProcessManager, RemoteError
from bridgekit.host.handle import Backend
from tests.host.support import DEADLINE, MENU, plain, until


@pytest.fixture
async def menu(anyio_backend: str) -> AsyncIterator[Backend]:
    async with ProcessManager(stop_grace=2.0) as manager:
        yield await manager.spawn(MENU, concurrency=2)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
async def test_items_come_in_order_and_the_result_after_them(menu: Backend, count: int) -> None:
    stream = menu.stream("rows", {"n": count})
    assert [item async for item in stream] == list(range(count))
    assert stream.result == "the end"
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()


async def test_large_items_do_not_stop_at_the_window_of_bytes(menu: Backend) -> None:
    sizes = [len(item) async for item in menu.stream("rows", {"n": 8, "size": 700_000})]
    assert sizes == [700_000] * 8


async def test_a_failure_comes_after_the_items_before_it(menu: Backend) -> None:
    stream = menu.stream("rows_then_fail")
    assert await stream.__anext__() == 1
    assert await stream.__anext__() == 2
    with pytest.raises(RemoteError, match="no more rows"):
        await stream.__anext__()


async def test_leaving_early_closes_the_generator_in_the_backend(menu: Backend) -> None:
    closed: list[object] = []
    menu.on("rows.closed", closed.append)
    async for item in menu.stream("rows", {"n": 100_000}):
        if item == 10:
            break
    gc.collect()
    await until(lambda: closed)
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
    async with menu.stream("rows", {"n": 100_000}) as stream:
        assert await stream.__anext__() == 0
    await until(lambda: len(closed) == 2)
    stream = menu.stream("rows", {"n": 100_000})
    assert await stream.__anext__() == 0
    await stream.aclose()
    await stream.aclose()
    await until(lambda: len(closed) == 3)
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()
    await until(lambda: menu.status.in_flight == 0)


async def test_a_slow_consumer_holds_the_generator_back(menu: Backend) -> None:
    async with menu.stream("rows", {"n": 10_000}) as stream:
        assert await stream.__anext__() == 0
        assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
        assert len(stream._call.items) <= 64
        rest = [item async for item in stream]
    assert rest == list(range(1, 10_000))


async def test_the_wait_for_an_item_is_limited(menu: Backend) -> None:
    stream = menu.stream("slow_rows", item_timeout=0.2)
    assert await stream.__anext__() == "first"
    with pytest.raises(CallTimeout, match="slow_rows"):
        await stream.__anext__()
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()


async def test_a_stream_may_have_a_total(menu: Backend) -> None:
    stream = menu.stream("slow_rows", timeout=0.1)
    assert await stream.__anext__() == "first"
    with pytest.raises(CallTimeout):
        await stream.__anext__()


async def test_cancelling_the_consumer_cancels_the_stream(menu: Backend) -> None:
    stream = menu.stream("slow_rows")
    with anyio.move_on_after(0.1):
        async for _ in stream:
            pass
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
    await until(lambda: menu.status.in_flight == 0)


async def test_a_death_ends_the_stream(menu: Backend) -> None:
    stream = menu.stream("slow_rows")
    assert await stream.__anext__() == "first"
    await menu.terminate(grace=0)
    with pytest.raises(BackendDied):
        await stream.__anext__()


async def test_a_list_is_a_stream_too(menu: Backend) -> None:
    assert [item async for item in menu.stream("plain_list")] == [1, 2, 3]
    async with ProcessManager() as manager:
        backend = await manager.spawn(plain("ready"))
        assert [item async for item in backend.stream("rows", {"n": 4})] == [0, 1, 2, 3]


async def test_an_unused_stream_costs_nothing(menu: Backend) -> None:
    stream = menu.stream("rows", {"n": 3})
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()
    assert menu.status.calls == 0
