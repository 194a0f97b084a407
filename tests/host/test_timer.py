"""One timer that moves: earlier at once, later when it has fired."""

from __future__ import annotations

import time

import anyio

from bridgekit.host.timer import Timer
from tests.host.support import until


async def test_it_fires_at_the_earliest_moment_it_was_set_to(anyio_backend: str) -> None:
    fired: list[float] = []
    async with anyio.create_task_group() as tasks:
        timer = Timer(tasks, lambda: fired.append(time.monotonic()))
        started = time.monotonic()
        timer.set(started + 60)
        timer.set(started + 0.02)
        timer.set(started + 30)  # later than it is set to: whoever is called sets it again
        await until(lambda: fired)
        assert started + 0.02 <= fired[0] < started + 30
        timer.set(time.monotonic())
        await until(lambda: len(fired) == 2)
        timer.set(time.monotonic() + 60)
        timer.close()
        timer.set(0.0)
    assert len(fired) == 2


async def test_a_callback_may_set_it_again(anyio_backend: str) -> None:
    fired: list[float] = []

    async with anyio.create_task_group() as tasks:

        def again() -> None:
            fired.append(time.monotonic())
            if len(fired) < 3:
                timer.set(time.monotonic() + 0.005)

        timer = Timer(tasks, again)
        timer.set(time.monotonic())
        await until(lambda: len(fired) == 3)


async def test_a_closed_timer_leaves_no_task(anyio_backend: str) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            timer = Timer(tasks, lambda: None)
            timer.set(time.monotonic() + 3600)
            await anyio.lowlevel.checkpoint()
            timer.close()
