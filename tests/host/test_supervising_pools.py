"""Pools, spares, idleness, pauses and health, with real processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import pytest

from bridgekit import (
    BackendError,
    CallTimeout,
    ProcessManager,
    RestartPolicy,
)
from tests.host.supervision_support import AT_ONCE, MOODY, failing
from tests.host.support import DEADLINE, lives, until


async def test_workers_share_the_calls(anyio_backend: str) -> None:
    pids: set[int] = set()
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, workers=3)
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 3)

        async def one() -> None:
            pids.add(await backend.call("sleep", [0.05], timeout=DEADLINE))

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(one)
        assert pids == {status.pid for status in backend.statuses}
        assert [status.worker for status in backend.statuses] == [0, 1, 2]


async def test_a_rolling_restart_fails_no_call(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, workers=2)
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
        before = {status.pid for status in backend.statuses}
        served = 0
        over = False

        async def keep_calling() -> None:
            nonlocal served
            while not over:
                assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
                served += 1

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(keep_calling)
            await backend.restart()
            over = True
        await until(lambda: len(backend._driver.processes) == 2)
        assert served
        assert not before & {status.pid for status in backend.statuses}
        assert backend.status.failed_calls == 0


ONE_IS_SLOW = """
import os
from bridgekit import PythonBridge

class Slow(PythonBridge):
    pass

folder = os.environ["FOLDER"]
for name in ("first", "second"):
    try:
        os.close(os.open(os.path.join(folder, name), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        continue
    if name == "second":
        open(os.path.join(folder, "gate")).close()
    break
Slow().run()
"""


async def test_a_rolling_restart_waits_for_what_is_just_starting(
    anyio_backend: str, tmp_path: Path
) -> None:
    script, gate = tmp_path / "slow.py", tmp_path / "gate"
    script.write_text(ONE_IS_SLOW)
    os.mkfifo(gate)
    after: set[int | None] = set()

    def opened() -> bool:
        try:
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody waits there yet
            return False
        return True

    async with ProcessManager() as manager:
        backend = await manager.spawn(str(script), workers=2, env={"FOLDER": str(tmp_path)})
        before = {status.pid for status in backend.statuses}
        quick = {status.pid for status in backend.statuses if status.state == "ready"}
        assert len(quick) == 1
        await until((tmp_path / "second").exists)  # it, and no process that is started later

        async def restart() -> None:
            await backend.restart()
            after.update(status.pid for status in backend.statuses)

        async with anyio.create_task_group() as group:
            group.start_soon(restart)
            await until(lambda: not quick & {status.pid for status in backend.statuses})
            await until(opened)
        assert len(after) == 2
        assert not before & after


async def test_a_warm_spare_takes_over_at_once(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, warm_spares=1, restart=RestartPolicy(backoff=10))
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
        spare = backend.statuses[1].pid
        await failing(backend, "die")
        assert await backend.call("pid", timeout=5) == spare


async def test_workers_are_recycled_after_their_calls(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, recycle={"calls": 5, "jitter": 0.0})
        pids = [await backend.call("pid", timeout=DEADLINE) for _ in range(40)]
        await until(lambda: backend.pid != pids[0])
        assert backend.status.failed_calls == 0


async def test_workers_are_recycled_by_age(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, recycle={"age": 0.3, "jitter": 0.0})
        pid = backend.pid
        while await backend.call("pid", timeout=DEADLINE) == pid:
            pass
        assert backend.status.failed_calls == backend.status.restarts == 0


async def test_a_worker_that_eats_too_much_is_replaced(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, recycle={"memory": 60 << 20})
        pid = await backend.call("eat", [100 << 20], timeout=DEADLINE)
        await until(lambda: backend.pid != pid)
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2


async def test_an_idle_backend_stops_and_the_next_call_starts_it(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, idle_timeout=0.05)
        pid = backend.pid
        await until(lambda: backend.status.state == "idle")
        assert not lives(pid)
        assert await backend.call("pid", timeout=DEADLINE) != pid
        assert backend.status.restarts == 0


async def test_the_idle_timer_and_a_call_may_meet(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, idle_timeout=0.02)
        for step in range(15):
            await anyio.sleep(0.012 + step * 0.001)
            assert await backend.call("add", [step, 1], timeout=DEADLINE) == step + 1
        assert backend.status.failed_calls == 0


async def test_pause_freezes_and_resume_goes_on(anyio_backend: str) -> None:
    def state(pid: int) -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    async with ProcessManager(cancel_grace=0.1) as manager:
        backend = await manager.spawn(MOODY)
        await backend.pause()
        assert backend.status.state == "paused"
        await until(lambda: state(backend.pid) == "T")
        answers: list[int] = []

        async def one() -> None:
            answers.append(await backend.call("add", [1, 1], timeout=DEADLINE))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await until(lambda: backend.status.queued == 1)
            assert not answers
            with pytest.raises(BackendError, match="paused"):
                await backend.restart()
            await backend.resume()
        assert answers == [2]
        assert backend.status.state == "ready"


async def test_a_call_that_is_given_up_in_a_frozen_process_costs_it_nothing(
    anyio_backend: str,
) -> None:
    async with ProcessManager(cancel_grace=0.1) as manager:
        backend = await manager.spawn(MOODY)
        pid = backend.pid
        async with anyio.create_task_group() as group:
            group.start_soon(backend.call, "sleep", [60])
            await until(lambda: backend.status.in_flight)
            await backend.pause()
            group.cancel_scope.cancel()
        process = next(iter(backend._driver.processes))
        await until(lambda: process._overdue)
        await backend.resume()
        assert await backend.call("pid", timeout=DEADLINE) == pid


async def test_a_cooperative_pause_lets_calls_end(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY)
        pids: list[int] = []

        async def one() -> None:
            pids.append(await backend.call("sleep", [0.1], timeout=DEADLINE))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await until(lambda: backend.status.in_flight)
            await backend.pause(freeze=False)
        assert pids == [backend.pid]
        assert backend.status.state == "paused"
        await backend.terminate()
        assert backend.status.state == "stopped"


async def test_busy_is_not_dead_but_hung_is(anyio_backend: str) -> None:
    health = {"interval": 0.1, "timeout": 0.1}
    async with ProcessManager(cancel_grace=30.0, stop_grace=0.1) as manager:
        backend = await manager.spawn(MOODY, health=health, restart=AT_ONCE)
        pid = backend.pid
        assert await backend.call("spin", [0.6], timeout=DEADLINE) == pid
        # Over its deadline, but the control lane answers: the cancel ladder's business.
        # Held in C with time left: nobody may judge.
        assert await backend.call("hold", [0.6], timeout=DEADLINE) == pid
        with pytest.raises(CallTimeout):
            await backend.call("hold", [60], timeout=0.1)
        # cancel_grace is long, yet its oldest deadline is that of the cancellation.
        assert backend.pid == pid


async def test_a_hung_worker_is_killed_and_replaced(anyio_backend: str) -> None:
    async with ProcessManager(cancel_grace=0.2) as manager:
        backend = await manager.spawn(
            # The timeout is more than a healthy worker needs on a busy machine.
            MOODY,
            health={"interval": 0.1, "timeout": 1.0, "idle": True},
            restart=AT_ONCE,
        )
        pid = backend.pid
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: backend.pid != pid)
        last = backend.status.last_exit
        assert last is not None
        assert "has not answered" in last.description
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
