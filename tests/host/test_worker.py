"""One process generation: how it ends, and that it ends once."""

from __future__ import annotations

import logging
import os
import signal
import sys

import anyio
import pytest

from bridgekit import BackendDied, BridgeError, ProcessManager
from tests.host.support import DEADLINE, MENU, lives, until


async def test_replies_written_before_the_death_still_count(anyio_backend: str) -> None:
    answer = '{"id":2,"status":"success","result":"last reply"}'
    source = (
        "import sys, os\n"
        "hello = sys.stdin.readline()\n"
        'sys.stdout.write(\'{"id":1,"status":"error","error":"what?"}\\0\')\n'
        "sys.stdout.flush()\n"
        "sys.stdin.readline()\n"
        f"os.write(1, {answer!r}.encode() + b'\\0')\n"
        "os._exit(5)\n"
    )
    async with ProcessManager() as manager:
        command = [sys.executable, "-c", source]
        backend = await manager.spawn(command, restart="never")
        assert await backend.call("anything") == "last reply"
        await backend.wait()
        with pytest.raises(BackendDied, match="exit code 5"):
            await backend.call("anything")


async def test_a_grandchild_that_holds_the_pipes_delays_nothing(anyio_backend: str) -> None:
    source = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "sys.stdin.readline()\n"
        'sys.stdout.write(\'{"id":1,"status":"error","error":"what?"}\\0\')\n'
        "sys.stdout.flush()\n"
        "sys.stdin.readline()\n"
        "sys.exit(4)\n"
    )
    async with ProcessManager() as manager:
        backend = await manager.spawn([sys.executable, "-c", source])
        with anyio.fail_after(DEADLINE), pytest.raises(BackendDied, match="exit code 4"):
            await backend.call("anything")


async def test_a_flood_on_stderr_is_drained_and_bounded(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        await menu.call("whisper", {"text": "x" * 5_000_000 + "\nthe end\n"}, timeout=DEADLINE)
        with pytest.raises(BackendDied) as caught:
            await menu.call("die")
        assert len(caught.value.stderr) <= 8192
        assert caught.value.stderr.endswith("the end\nmy last words\n")


async def test_deaths_are_logged_once(anyio_backend: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "bridgekit"):
        async with ProcessManager() as manager:
            menu = await manager.spawn(MENU, restart="never")
            os.kill(menu.pid, signal.SIGKILL)
            await menu.wait()
            await menu.terminate()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == f"backend 'menu' (pid {menu.pid}) died: killed by SIGKILL"
    assert [text.partition(":")[0] for text in messages[1:]] == ["backend 'menu' has failed"]
    assert menu.status.state == "stopped"


async def test_kills_at_every_moment_give_every_call_one_outcome(anyio_backend: str) -> None:
    outcomes = 0

    async def call(backend: object, number: int) -> None:
        nonlocal outcomes
        try:
            await backend.call("add", [number, 1], timeout=DEADLINE)  # type: ignore[attr-defined]
        except BridgeError:
            pass
        outcomes += 1

    rounds = 12
    async with ProcessManager(stop_grace=1.0) as manager:
        for delay in range(rounds):
            menu = await manager.spawn(MENU, concurrency=50, restart="never")
            async with anyio.create_task_group() as group:
                for number in range(50):
                    group.start_soon(call, menu, number)
                for _ in range(delay):
                    await anyio.lowlevel.checkpoint()
                os.kill(menu.pid, signal.SIGKILL)
            await until(lambda: not lives(menu.pid))  # noqa: B023
            await menu.terminate()
    assert outcomes == rounds * 50


async def test_cancels_at_every_moment_leave_the_backend_usable(anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=1.0) as manager:
        menu = await manager.spawn(MENU)
        for delay in range(30):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    for number in range(5):
                        group.start_soon(menu.call, "add", [number, 1])
                    group.start_soon(menu.call_many, "add", [[1, 1]] * 50)
                    for _ in range(delay):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
        assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
        assert menu.status.in_flight == 0


async def test_events_and_calls_flood_both_ways(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        seen = 0

        def count(_event: object) -> None:
            nonlocal seen
            seen += 1

        menu.on("tick", count)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(menu.call, "fire", {"topic": "tick", "count": 500})
                group.start_soon(menu.call_many, "add", [[1, 1]] * 500)
        assert seen == 5000


async def test_too_many_calls_to_the_host_are_refused(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        (worker,) = menu._driver.processes
        worker._host_calls = 1000

        async def never() -> None:
            raise AssertionError

        menu.expose("never", never)
        with pytest.raises(BridgeError, match="1000"):
            await menu.call("ask_host", {"name": "never", "params": {}})
        worker._host_calls = 0


async def test_a_host_function_may_outlive_its_backend(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        menu = await manager.spawn(MENU)
        entered, leave, left = anyio.Event(), anyio.Event(), anyio.Event()

        async def slow() -> None:
            entered.set()
            await leave.wait()
            left.set()

        menu.expose("slow", slow)
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                with pytest.raises(BackendDied):
                    await menu.call("ask_host", {"name": "slow", "params": {}})

            group.start_soon(ask)
            await entered.wait()
            os.kill(menu.pid, signal.SIGKILL)
        leave.set()
        with anyio.fail_after(DEADLINE):
            await left.wait()
