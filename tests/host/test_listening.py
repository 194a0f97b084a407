"""Reading events one by one, and the end of them."""

from __future__ import annotations

import anyio

from bridgekit.host.events import Router
from bridgekit.host.listening import EventQueue, Listening
from bridgekit.wire.messages import Event


async def test_a_reader_waits_reads_and_ends(anyio_backend: str) -> None:
    router = Router()
    seen: list[int] = []

    def listen(topic: str, queue: EventQueue) -> object:
        remove = router.add(topic, queue=queue.put)
        return lambda: (remove(), queue.end())

    async with (
        anyio.create_task_group() as group,
        Listening(listen, "tick", EventQueue()) as queue,  # type: ignore[arg-type]
    ):

        async def read() -> None:
            async for event in queue:
                seen.append(event.data)  # noqa: PERF401

        group.start_soon(read)
        await anyio.lowlevel.checkpoint()
        for number in range(3):
            router.dispatch(Event("tick", number), 1)
    assert seen == [0, 1, 2]
