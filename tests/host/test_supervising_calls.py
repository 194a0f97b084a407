"""Calls of a supervised backend: queued, sent again, given up, lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    BridgeError,
    CallTimeout,
    ProcessManager,
    QueueFull,
    RestartPolicy,
)
from tests.host.supervision_support import AT_ONCE, MOODY, failing
from tests.host.support import DEADLINE, until


async def test_idempotent_calls_are_sent_again_once(anyio_backend: str, tmp_path: Path) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        marker = str(tmp_path / "marker")
        pid = await backend.call("die_once", [marker], idempotent=True, timeout=DEADLINE)
        assert pid == backend.pid
        with pytest.raises(BackendDied):
            await backend.call("die", idempotent=True, timeout=DEADLINE)
        assert await backend.call("add", [1, 1], idempotent=True, timeout=DEADLINE) == 2


async def test_so_are_those_of_methods_declared_idempotent(
    anyio_backend: str, tmp_path: Path
) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        for marker in ("first", "after a restart"):
            pid = await backend.call("look_once", [str(tmp_path / marker)], timeout=DEADLINE)
            assert pid == backend.pid
        assert backend.status.restarts == 2
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        await backend.pause(freeze=False)
        async with anyio.create_task_group() as group:  # one that had to wait is no other

            async def one() -> None:
                marker = str(tmp_path / "queued")
                assert await backend.call("look_once", [marker], timeout=DEADLINE) == backend.pid

            group.start_soon(one)
            await until(lambda: backend.status.queued)
            await backend.resume()


async def test_queued_calls_wait_for_the_replacement(anyio_backend: str) -> None:
    answers: list[int] = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)

        async def one(number: int) -> None:
            answers.append(await backend.call("add", [number, 0], timeout=DEADLINE))

        async with anyio.create_task_group() as group:
            group.start_soon(failing, backend, "die")
            # A busy machine may show it dead before it was seen in flight.
            await until(lambda: backend.status.in_flight or backend.status.restarts)
            for number in range(20):
                group.start_soon(one, number)
    assert sorted(answers) == list(range(20))


async def test_a_queue_has_an_end_and_an_order(anyio_backend: str) -> None:
    order: list[int] = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, queue_limit=3)

        async def one(number: int) -> None:
            await backend.call("add", [number, 0], priority=number, timeout=DEADLINE)
            order.append(number)

        async with anyio.create_task_group() as group:
            group.start_soon(backend.call, "sleep", [0.2])
            await until(lambda: backend.status.in_flight)
            for number in (1, 3, 2):
                group.start_soon(one, number)
            await until(lambda: backend.status.queued == 3)
            with pytest.raises(QueueFull, match="queue_limit=3"):
                await backend.call("add", [1, 1])
    assert order == [3, 2, 1]


async def test_a_call_that_waits_keeps_its_deadline(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY)
        async with anyio.create_task_group() as group:
            group.start_soon(backend.call, "sleep", [60])
            await until(lambda: backend.status.in_flight)
            with pytest.raises(CallTimeout, match="waited"):
                await backend.call("add", [1, 1], timeout=0.05)
            with anyio.move_on_after(0.02):
                await backend.call("add", [1, 1])
            assert backend.status.queued == 0
            # The control lane needs no turn.
            assert (await backend.call("$/ping", timeout=DEADLINE))["busy"]
            group.cancel_scope.cancel()
        assert await backend.call("add", [1, 1]) == 2


async def test_stopping_ends_the_calls_that_wait(anyio_backend: str) -> None:
    errors: list[Exception] = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY)

        async def one(method: str, *args: Any) -> None:
            try:
                await backend.call(method, list(args), timeout=None)
            except BridgeError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(one, "sleep", 60)
            await until(lambda: backend.status.in_flight)
            for _ in range(5):
                group.start_soon(one, "add", 1, 1)
            await until(lambda: backend.status.queued == 5)
            await backend.terminate(grace=0.2)
    assert [type(error) for error in errors].count(BackendError) == 5
    assert len(errors) == 6


async def test_kills_as_a_worker_takes_the_next_call(anyio_backend: str) -> None:
    outcomes = 0
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=RestartPolicy(backoff=0, max_restarts=100))

        async def one(number: int) -> None:
            nonlocal outcomes
            try:
                assert await backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
            except BackendDied:
                pass
            outcomes += 1

        for delay in range(10):
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(one, number)
                for _ in range(delay * 2):
                    await anyio.lowlevel.checkpoint()
                pid = backend.pid
                os.kill(pid, signal.SIGKILL)
            await until(lambda: backend.pid != pid)  # noqa: B023
            await until(lambda: backend.status.state == "ready")
        assert await backend.call("add", [1, 1]) == 2
        assert backend.status.in_flight == backend.status.queued == 0
    assert outcomes == 200


async def test_cancelled_calls_leave_every_place_free(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, workers=2)
        for delay in range(15):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    for _ in range(6):
                        group.start_soon(backend.call, "add", [1, 1])
                    group.start_soon(backend.call_many, "add", [[1, 1]] * 20)
                    for _ in range(delay):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
        await until(lambda: backend.status.in_flight == 0)
        assert backend.status.queued == 0


async def test_a_life_after_a_stop_has_timers_of_its_own(anyio_backend: str) -> None:
    """The moment of which the old life wanted to be told is not one of the new."""
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, health={"interval": 0.1, "timeout": 60})
        for _ in range(2):
            async with anyio.create_task_group() as group:

                async def one() -> None:
                    with pytest.raises(BackendDied):
                        await backend.call("sleep", [60], timeout=None)

                group.start_soon(one)
                await until(lambda: backend.status.in_flight)
                with anyio.fail_after(DEADLINE), pytest.raises(CallTimeout, match="waited"):
                    await backend.call("add", [1, 1], timeout=0.05)
                await backend.terminate(grace=0)
            await backend.restart()
