"""What a host may live through: stops and cancels at bad moments, forks, other people's waits."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from bridgekit import BackendError, BridgeError, CallTimeout, ProcessManager, QueueFull
from tests.host.supervision_support import AT_ONCE, MOODY, failing, moods
from tests.host.support import DEADLINE, lives, steal, until


@contextmanager
def forked_copy() -> Iterator[None]:
    """A fork of this process that holds all descriptors and does nothing else."""
    here, there = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(there)
            os.read(here, 1)
            status = 0
        finally:  # whatever happens: it must not go on as a second pytest
            os._exit(status)
    os.close(here)
    try:
        yield
    finally:
        os.close(there)
        assert os.waitpid(pid, 0)[1] == 0


async def test_stopping_while_the_first_start_hangs(anyio_backend: str, tmp_path: Path) -> None:
    async with ProcessManager(stop_grace=0.2) as manager:
        env = moods(tmp_path, "hang")
        async with anyio.create_task_group() as group:

            async def start() -> None:
                with pytest.raises(BridgeError):
                    await manager.spawn(MOODY, name="x", env=env)

            group.start_soon(start)
            await until(lambda: "x" in manager.backends and manager.backends["x"].pid)
            pid = manager.backends["x"].pid
            await manager.backends["x"].terminate()
        assert not lives(pid)
        assert not manager.backends
        assert manager._hub.budget.used == 0


async def test_a_stop_while_a_start_waits_for_a_process(anyio_backend: str) -> None:
    async with ProcessManager(max_processes=1, start_timeout=1000) as manager:
        first = await manager.spawn(MOODY)
        async with anyio.create_task_group() as group:

            async def start() -> None:
                with pytest.raises(BackendError, match="stopped by its host"):
                    await manager.spawn(MOODY, name="x")

            group.start_soon(start)
            await until(lambda: "x" in manager.backends and len(manager._hub.drivers) == 2)
            with anyio.fail_after(DEADLINE):
                await manager.backends["x"].terminate()
        await first.terminate()
        assert await (await manager.spawn(MOODY)).call("add", [1, 1]) == 2


async def test_closing_while_the_first_start_hangs(anyio_backend: str, tmp_path: Path) -> None:
    async with anyio.create_task_group() as group, ProcessManager(stop_grace=0.2) as manager:
        env = moods(tmp_path, "hang")

        async def start() -> None:
            with pytest.raises(BridgeError):
                await manager.spawn(MOODY, name="x", env=env)

        group.start_soon(start)
        await until(lambda: "x" in manager.backends and manager.backends["x"].pid)
        pid = manager.backends["x"].pid
        await manager.close()
        assert not lives(pid)


async def test_cancelling_a_stop_leaves_no_process(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        for delay in (0.0, 0.02, 0.1):
            backend = await manager.spawn(MOODY, env={"LINGER": "1"}, stop_grace=0.2)
            pid = backend.pid
            with anyio.move_on_after(delay):
                await backend.terminate()
            await until(lambda: not lives(pid))  # noqa: B023
            assert backend.status.state == "stopped"
        assert manager._hub.budget.used == 0


async def test_cancelling_a_rolling_restart_at_any_moment(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, workers=2)
        for delay in range(6):
            with anyio.move_on_after(delay * 0.01):
                await backend.restart()
            assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
        await until(lambda: not backend._driver.supervisor.replacements)
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
        assert manager._hub.budget.used == 2


async def test_a_backend_that_ignores_every_request_to_stop(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, env={"LINGER": "1"})
        await backend.call("deaf")
        pid = backend.pid
        await backend.terminate(grace=0.2)
        assert not lives(pid)
        assert backend.status.last_exit is not None
        assert backend.status.last_exit.signal == "SIGKILL"


async def test_a_full_queue_of_a_paused_backend_ends_with_its_stop(anyio_backend: str) -> None:
    errors: list[BridgeError] = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, queue_limit=3)

        async def one() -> None:
            with pytest.raises(BridgeError) as caught:
                await backend.call("add", [1, 1], timeout=None)
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            await backend.pause()
            for _ in range(3):
                group.start_soon(one)
            await until(lambda: backend.status.queued == 3)
            with pytest.raises(QueueFull):
                await backend.call("add", [1, 1])
            await backend.terminate(grace=0.5)
    assert [type(error) for error in errors] == [BackendError] * 3


async def test_a_cancel_may_cross_the_reply(anyio_backend: str) -> None:
    """Whoever was not cancelled gets its own result, never that of a call that was given up."""
    got: list[tuple[int, int]] = []
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, workers=2, concurrency=2)

        async def one(number: int, scope: anyio.CancelScope) -> None:
            with scope:
                got.append((number, await backend.call("add", [number, 0], timeout=DEADLINE)))

        number = 0
        for delay in range(40):
            scopes = [anyio.CancelScope() for _ in range(8)]
            async with anyio.create_task_group() as group:
                for scope in scopes:
                    number += 1
                    group.start_soon(one, number, scope)
                for _ in range(delay // 2):
                    await anyio.lowlevel.checkpoint()
                if delay % 2:
                    time.sleep(0.0005)  # the replies are there, and nobody has read them
                for scope in scopes[::2]:
                    scope.cancel()
        await until(lambda: backend.status.in_flight == 0)
        assert backend.status.queued == 0
    assert len(got) >= number // 2
    assert all(asked == answered for asked, answered in got)


async def test_a_late_worker_gets_no_calls_until_it_is_back(anyio_backend: str) -> None:
    async with ProcessManager(cancel_grace=30.0) as manager:
        backend = await manager.spawn(MOODY, workers=2)
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
        both = {status.pid for status in backend.statuses if status.pid}
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(CallTimeout):
            await backend.call("pid", timeout=0.05)
        (late,) = (one.pid for one in backend.statuses if one.in_flight and one.pid)
        (other,) = both - {late}
        os.kill(other, signal.SIGCONT)
        for _ in range(20):
            assert await backend.call("pid", timeout=DEADLINE) == other
        os.kill(late, signal.SIGCONT)
        await until(lambda: backend.status.in_flight == 0)
        seen: set[int] = set()

        async def one() -> None:
            seen.add(await backend.call("sleep", [0.05], timeout=DEADLINE))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(one)
        assert seen == both


async def test_other_code_that_waits_for_every_child(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        pid = backend.pid
        os.kill(pid, signal.SIGKILL)
        steal(pid)
        await until(lambda: backend.pid != pid)
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2

        def take_all() -> None:
            try:
                while True:
                    os.waitpid(-1, 0)
            except ChildProcessError:
                pass

        thief = threading.Thread(target=take_all)
        thief.start()
        await backend.terminate()
        thief.join()
        assert backend.status.state == "stopped"
        assert not lives(backend.pid)


async def test_a_fork_that_holds_every_pipe_hides_no_death(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        with forked_copy():
            pid = backend.pid
            await failing(backend, "die", timeout=DEADLINE)
            assert await backend.call("pid", timeout=DEADLINE) != pid
    with forked_copy():
        async with ProcessManager() as manager:
            backend = await manager.spawn(MOODY)
            with forked_copy():
                assert await backend.call("add", [1, 1]) == 2
                await backend.terminate()
                assert not lives(backend.pid)


async def test_the_deaths_of_one_manager_are_nothing_to_another(anyio_backend: str) -> None:
    async with ProcessManager() as other:
        calm = await other.spawn(MOODY)
        async with ProcessManager() as manager:
            wild = await manager.spawn(MOODY, restart=AT_ONCE)
            assert wild.name == calm.name
            async with anyio.create_task_group() as group:
                group.start_soon(calm.call, "sleep", [0.1])
                await failing(wild, "die")
                assert await wild.call("add", [1, 1], timeout=DEADLINE) == 2
        assert await calm.call("add", [1, 1]) == 2
        assert calm.status.restarts == calm.status.failed_calls == 0
        assert other._hub.budget.used == 1


def living_tasks(face: str) -> int:
    if face == "trio":
        import trio

        return trio.lowlevel.current_statistics().tasks_living
    import asyncio

    return len(asyncio.all_tasks())


@pytest.mark.slow
async def test_hundreds_of_starts_and_stops_leave_nothing(anyio_backend: str) -> None:
    """The guard of every test looks for descriptors, threads and processes; this for the rest."""

    async def cycle(number: int) -> None:
        backend = await manager.spawn(MOODY, name="cycle")
        assert await backend.call("add", [number, 1], timeout=DEADLINE) == number + 1
        if number % 3 == 2:
            os.kill(backend.pid, signal.SIGKILL)
        await backend.terminate(grace=0.0 if number % 3 == 1 else None)

    async with ProcessManager() as manager:
        for number in range(3):
            await cycle(number)
        descriptors = len(os.listdir("/proc/self/fd"))
        tasks, threads = living_tasks(anyio_backend), threading.active_count()
        for number in range(300):
            await cycle(number)
        await until(lambda: living_tasks(anyio_backend) <= tasks)
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert threading.active_count() <= threads
        assert manager._hub.budget.used == 0
        assert not manager._hub.drivers


@pytest.mark.slow
async def test_a_hundred_children_stop_in_parallel_within_the_grace(anyio_backend: str) -> None:
    options: dict[str, Any] = {"env": {"LINGER": "1"}, "start_timeout": 60}
    async with ProcessManager(max_processes=100, stop_grace=3.0) as manager:
        backends = [await manager.spawn(MOODY, workers=10, **options) for _ in range(10)]
        for backend in backends:
            await until(lambda: [s.state for s in backend.statuses] == ["ready"] * 10)  # noqa: B023
        pids = [status.pid for backend in backends for status in backend.statuses]
        started = time.monotonic()
    # Each sleeps in its shutdown hook; one after the other they would take five minutes.
    assert time.monotonic() - started < 60
    assert len(pids) == 100
    assert not any(lives(pid) for pid in pids if pid)
