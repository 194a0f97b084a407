"""Nothing that is done often leaves anything behind that only the garbage collector finds.

Such circles keep whole results alive, and the passes that find them hold a busy host up.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Awaitable, Callable

import anyio
import pytest

from bridgekit import CallTimeout, ProcessManager, RemoteError
from bridgekit.host.handle import Backend
from tests.support.tidy import CALLS, SCRIPT, TIMES


async def _fail(backend: Backend) -> None:
    with pytest.raises(RemoteError):
        await backend.call("fail")


async def _stream(backend: Backend) -> None:
    assert [row async for row in backend.stream("rows", {"count": 3})] == [0, 1, 2]


async def _stream_left_early(backend: Backend) -> None:
    async for _ in backend.stream("async_rows", {"count": 3}):
        break


async def _events(backend: Backend) -> None:
    seen: list[object] = []
    unsubscribe = backend.on("tick", seen.append)
    await backend.call("fire", {"count": 30})
    unsubscribe()
    assert len(seen) == 30


async def _timeout(backend: Backend) -> None:
    with contextlib.suppress(CallTimeout):  # it may have been quick enough
        await backend.call("add", {"a": 1}, timeout=0)


async def _cancel(backend: Backend) -> None:
    with anyio.move_on_after(0):
        await backend.call("add_later", {"a": 1})


async def _queue(backend: Backend) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(backend.call, "add", {"a": 1})


WAYS: dict[str, Callable[[Backend], Awaitable[object]]] = {
    **CALLS,
    "error": _fail,
    "stream": _stream,
    "stream left early": _stream_left_early,
    "events": _events,
    "timeout": _timeout,
    "cancellation": _cancel,
    "queue": _queue,
}


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_is_left_to_the_garbage_collector(anyio_backend: str, way: str) -> None:
    async with ProcessManager() as manager:
        manager.expose("twice", lambda value: 2 * value)
        backend = await manager.spawn(SCRIPT)
        for _ in range(TIMES):
            await WAYS[way](backend)
        await backend.call("begin")
        gc.collect()
        gc.disable()
        try:
            for _ in range(TIMES):
                await WAYS[way](backend)
            theirs = await backend.call("end")
            ours = gc.collect()
        finally:
            gc.enable()
    assert theirs < TIMES
    assert ours < TIMES
