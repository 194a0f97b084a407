"""An error of ours around the end of a process is logged, and everything goes on to its end."""

from __future__ import annotations

import os
import signal
from typing import Any

import anyio
import pytest

from bridgekit import BackendDied, BridgeError, ProcessManager
from tests.host.supervision_support import AT_ONCE, MOODY
from tests.host.support import DEADLINE, lives, until


def broken(*_args: Any, **_options: Any) -> None:
    raise ZeroDivisionError("ours")


@pytest.mark.parametrize("part", ["exited", "take_actions"])
async def test_a_supervisor_that_fails_hangs_nobody(
    anyio_backend: str, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    with anyio.fail_after(DEADLINE):
        async with ProcessManager(stop_grace=1.0) as manager:
            backend = await manager.spawn(MOODY, workers=2, restart=AT_ONCE)
            await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
            pids = [status.pid for status in backend.statuses]
            other = await manager.spawn(MOODY, name="other")
            async with anyio.create_task_group() as group:

                async def one() -> None:
                    with pytest.raises(BackendDied):
                        await backend.call("sleep", [60])

                group.start_soon(one)
                await until(lambda: backend.status.in_flight)
                setattr(backend._driver.supervisor, part, broken)
                for process in backend._driver.processes:
                    if process.worker.in_flight:
                        os.kill(process.child.pid, signal.SIGKILL)
            assert await other.call("add", [1, 1], timeout=DEADLINE) == 2
            pids.append(other.pid)
    assert not any(lives(pid) for pid in pids if pid)
    assert "an internal error while it ended" in caplog.text
    assert "ZeroDivisionError: ours" in caplog.text


async def test_a_stop_that_fails_leaves_no_process_and_no_waiting_call(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    with anyio.fail_after(DEADLINE):
        async with ProcessManager(stop_grace=1.0) as manager:
            backend = await manager.spawn(MOODY, workers=2, restart=AT_ONCE)
            await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 2)
            pids = [status.pid for status in backend.statuses]
            pids.append((await manager.spawn(MOODY, name="other")).pid)
            backend._driver.supervisor.stop = broken
            async with anyio.create_task_group() as group:

                async def one() -> None:
                    with pytest.raises(BridgeError):
                        await backend.call("sleep", [60], timeout=None)

                for _ in range(4):
                    group.start_soon(one)
                await until(lambda: backend.status.queued == 2)
                await manager.close()
    assert not any(lives(pid) for pid in pids if pid)
    assert "ZeroDivisionError: ours" in caplog.text


async def test_a_channel_that_fails_at_the_end_hangs_nobody(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    with anyio.fail_after(DEADLINE):
        async with ProcessManager() as manager:
            backend = await manager.spawn(MOODY, restart=AT_ONCE)
            pid = backend.pid
            process = next(iter(backend._driver.processes))
            process.channel.read_rest = broken
            os.kill(pid, signal.SIGKILL)
            await until(lambda: backend.pid != pid)
            assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
    assert "ZeroDivisionError: ours" in caplog.text
