"""``call_many`` over a channel whose backend is a script."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    CallTimeout,
    InvalidParams,
    ProcessManager,
    ProtocolError,
    RemoteError,
)
from bridgekit.host.handle import Backend
from tests.host.support import DEADLINE, MENU, plain, until

SCRIPTED = """
import json, sys
def send(**fields):
    sys.stdout.write(json.dumps(fields) + "\\0")
    sys.stdout.flush()
for line in sys.stdin:
    request = json.loads(line)
    if request["cmd"] == "$/hello":
        send(id=request["id"], status="success", result={"protocol": 1, "features": ["batch"]})
    elif request["cmd"] == "$/batch":
        batch = request["params"]
        if batch["cmd"] == "wrong":
            send(id=request["id"], status="success", result=[])
            continue
        values = [[params["n"]] for params in batch["params"]]
        half = len(values) // 2
        send(cmd="$/part", status="event", call=request["id"],
             result={"first": batch["first"], "results": values[:half]})
        if batch["cmd"] == "die":
            sys.exit(3)
        send(id=request["id"], status="success", result=values[half:])
    elif "id" in request:
        send(id=request["id"], status="success", result=None)
"""


async def test_parts_and_replies_are_put_together(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn([sys.executable, "-c", SCRIPTED])
        items = [{"n": number} for number in range(500)]
        assert await backend.call_many("any", items, timeout=DEADLINE) == list(range(500))


async def test_what_came_before_a_death_is_kept(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn([sys.executable, "-c", SCRIPTED])
        items = [{"n": number} for number in range(8)]
        values = await backend.call_many("die", items, return_exceptions=True)
        assert values[:4] == [0, 1, 2, 3]
        assert all(isinstance(value, BackendDied) for value in values[4:])


async def test_an_answer_of_the_wrong_length_is_an_error(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn([sys.executable, "-c", SCRIPTED])
        with pytest.raises(ProtocolError, match="0 calls of a batch of 2"):
            await backend.call_many("wrong", [{"n": 1}, {"n": 2}])


async def test_a_batch_too_large_for_a_frame_is_cut(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU, max_frame=100_000)
        sizes = [60_000] * 10
        values = await menu.call_many("echo", [{"value": "x" * size} for size in sizes])
        assert [len(value) for value in values] == sizes
        with pytest.raises(ProtocolError, match="limit"):
            await menu.call_many("echo", [{"value": "x" * 200_000}])
        assert await menu.call("add", [1, 1]) == 2


@pytest.fixture
async def menu(anyio_backend: str) -> AsyncIterator[Backend]:
    async with ProcessManager(stop_grace=2.0) as manager:
        yield await manager.spawn(MENU)


async def test_call_many_keeps_the_order(menu: Backend) -> None:
    items = [{"a": number, "b": 1} for number in range(1000)]
    assert await menu.call_many("add", items) == [number + 1 for number in range(1000)]
    assert await menu.call_many("add", []) == []
    assert await menu.call_many("pid", [None, None]) == [menu.pid] * 2


async def test_call_many_raises_the_first_failure_and_names_the_item(menu: Backend) -> None:
    items = [{"a": 1}] * 5 + [{"a": "no"}] + [{"a": 1}] * 5
    with pytest.raises(InvalidParams) as caught:
        await menu.call_many("add", items)
    assert any("item 5 (of 11" in note for note in caught.value.__notes__)
    mixed = await menu.call_many("add", items, return_exceptions=True)
    assert [type(value) for value in mixed] == [int] * 5 + [InvalidParams] + [int] * 5


async def test_call_many_with_values_of_every_size(menu: Backend) -> None:
    sizes = [0, 10, 1_000_000, 3, 5_000_000, 100_000] * 4
    values = await menu.call_many("echo", [{"value": "x" * size} for size in sizes])
    assert [len(value) for value in values] == sizes


async def test_call_many_times_out_by_item_and_leaves_the_backend_usable(menu: Backend) -> None:
    with pytest.raises(CallTimeout):
        await menu.call_many("sleep", [{"seconds": 60}] * 2, timeout=0.05)
    values = await menu.call_many(
        "sleep", [{"seconds": 60}] * 2, timeout=0.05, return_exceptions=True
    )
    assert [type(value) for value in values] == [CallTimeout] * 2
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2


async def test_call_many_that_waits_for_a_place_in_vain(menu: Backend) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(partial(menu.call, "sleep", [60], timeout=None))
        await until(lambda: menu.status.in_flight)
        with pytest.raises(CallTimeout, match="waited"):
            await menu.call_many("add", [[1, 1]] * 2, timeout=0.05)
        vain = await menu.call_many("add", [[1, 1]] * 2, timeout=0.05, return_exceptions=True)
        assert [type(each) for each in vain] == [CallTimeout] * 2
        group.cancel_scope.cancel()


async def test_call_many_cancelled_midway(menu: Backend) -> None:
    with anyio.move_on_after(0.05):
        await menu.call_many("sleep", [{"seconds": 60}] * 300, timeout=None)
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
    assert menu.status.in_flight == 0


async def test_call_many_and_a_death(menu: Backend) -> None:
    with pytest.raises(BackendDied):
        await menu.call_many("die", [{}] * 200)
    assert await menu.call_many("add", [[1, 1]] * 3, return_exceptions=True) == [2] * 3
    await menu.terminate()
    values = await menu.call_many("add", [[1, 1]] * 3, return_exceptions=True)
    assert [type(value) for value in values] == [BackendError] * 3


async def test_call_many_on_a_plain_backend(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(plain("ready"))
        items = [{"a": number, "b": 1} for number in range(500)]
        assert await backend.call_many("add", items) == [number + 1 for number in range(500)]
        mixed = await backend.call_many("add", [{"a": 1, "b": 1}, {}], return_exceptions=True)
        assert mixed[0] == 2
        assert isinstance(mixed[1], RemoteError)
        with pytest.raises(RemoteError):
            await backend.call_many("add", [{}, {"a": 1, "b": 1}])
        with pytest.raises(CallTimeout):
            await backend.call_many("sleep", [{"seconds": 0.3}] * 2, timeout=0.05)
