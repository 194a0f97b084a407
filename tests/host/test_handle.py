"""A live backend through its handle, on asyncio and trio, with real processes."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    CallTimeout,
    EncodeError,
    InvalidParams,
    MethodNotFound,
    ProcessManager,
    RemoteError,
)
from bridgekit.host.handle import Backend, plain_params
from tests.host.support import DEADLINE, MENU, lives, until


@pytest.fixture
async def menu(anyio_backend: str) -> AsyncIterator[Backend]:
    async with ProcessManager(stop_grace=2.0) as manager:
        yield await manager.spawn(MENU, concurrency=30, restart="never")


async def test_calls_by_name_by_position_and_without_params(menu: Backend) -> None:
    assert await menu.call("add", {"a": 1, "b": 2}) == 3
    assert await menu.call("add", [1, 2]) == 3
    assert await menu.call("add", (4,)) == 4
    assert await menu.call("pid") == menu.pid


async def test_remote_error_carries_type_traceback_code_and_data(menu: Backend) -> None:
    with pytest.raises(RemoteError, match="as told") as caught:
        await menu.call("fail", {"message": "as told"})
    error = caught.value
    assert (error.type, error.code, error.data) == ("ValueError", "teapot", {"cups": 2})
    assert error.traceback is not None
    assert "in fail" in error.traceback
    assert (error.method, error.backend) == ("fail", "menu")


async def test_wrong_names_and_parameters_have_errors_of_their_own(menu: Backend) -> None:
    with pytest.raises(MethodNotFound):
        await menu.call("no_such_method")
    with pytest.raises(InvalidParams):
        await menu.call("add", {"a": "12"})
    with pytest.raises(TypeError, match="mapping"):
        await menu.call("add", "ab")
    with pytest.raises(EncodeError, match="value"):
        await menu.call("echo", {"value": object()})
    assert await menu.call("add", [1, 1]) == 2


async def test_timeout_is_a_total_and_cancels_the_call(menu: Backend) -> None:
    with pytest.raises(CallTimeout, match=r"within 0\.05 s") as caught:
        await menu.call("sleep", {"seconds": 60}, timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.timeout == 0.05
    # The backend is free again, long before its method would have ended.
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
    await until(lambda: menu.status.late_replies == 1)
    assert menu.status.state == "ready"


async def test_an_infinite_timeout_is_no_limit(anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=2.0, call_timeout=math.inf) as manager:
        for wire in ("native", "jsonrpc", "msgpack"):
            menu = await manager.spawn(MENU, wire=wire)
            assert await menu.call("add", [1, 1]) == 2
            assert await menu.call("add", [1, 1], timeout=math.inf) == 2
            assert await menu.call_many("add", [[1], [2]], timeout=math.inf) == [1, 2]
            rows = menu.stream("rows", [3], timeout=math.inf, item_timeout=math.inf)
            assert [row async for row in rows] == [0, 1, 2]


async def test_cancelling_the_awaiting_task_cancels_the_remote_call(menu: Backend) -> None:
    with anyio.move_on_after(0.05):
        await menu.call("sleep", {"seconds": 60})
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2
    assert menu.status.in_flight == 0


async def test_calls_from_many_tasks_each_get_their_own_answer(menu: Backend) -> None:
    answers: dict[int, Any] = {}

    async def one(number: int) -> None:
        answers[number] = await menu.call("echo", {"value": number}, timeout=DEADLINE)

    async with anyio.create_task_group() as group:
        for number in range(300):
            group.start_soon(one, number)
    assert answers == {number: number for number in range(300)}


async def test_cancelling_some_of_many_harms_no_other(menu: Backend) -> None:
    answers: dict[int, Any] = {}

    async def one(number: int, scope: anyio.CancelScope) -> None:
        with scope:
            answers[number] = await menu.call("echo", {"value": number}, timeout=DEADLINE)

    scopes = [anyio.CancelScope() for _ in range(100)]
    async with anyio.create_task_group() as group:
        for number, scope in enumerate(scopes):
            group.start_soon(one, number, scope)
        await anyio.lowlevel.checkpoint()
        for scope in scopes[::3]:
            scope.cancel()
    assert all(answers[number] == number for number in answers)
    assert {number for number in range(100) if number % 3} <= set(answers)
    assert await menu.call("add", [1, 1]) == 2


async def test_a_call_that_ignores_its_cancellation_costs_the_process(
    anyio_backend: str,
) -> None:
    async with ProcessManager(cancel_grace=0.2, stop_grace=1.0) as manager:
        menu = await manager.spawn(MENU, restart="never")
        with pytest.raises(CallTimeout):
            await menu.call("stubborn", timeout=0.05)
        with anyio.fail_after(DEADLINE):
            await menu.wait()
        assert menu.status.state == "failed"
        with pytest.raises(BackendDied, match=r"0\.2 s after its cancellation"):
            await menu.call("add", [1, 1])


async def test_death_fails_every_pending_call_with_the_story(menu: Backend) -> None:
    errors: list[BackendDied] = []

    async def one() -> None:
        with pytest.raises(BackendDied) as caught:
            await menu.call("sleep", {"seconds": 60}, timeout=None)
        errors.append(caught.value)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
        await until(lambda: menu.status.in_flight == 20)
        os.kill(menu.pid, signal.SIGKILL)
    assert len(errors) == 20
    assert len({id(error) for error in errors}) == 20
    assert errors[0].signal == "SIGKILL"
    assert errors[0].exit_code == -signal.SIGKILL
    assert errors[0].running == ("sleep",) * 20
    assert menu.status.state == "failed"
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.signal == "SIGKILL"


async def test_exit_code_and_last_words_are_in_the_error(menu: Backend) -> None:
    with pytest.raises(BackendDied, match="exit code 7") as caught:
        await menu.call("die", {"code": 7})
    assert caught.value.exit_code == 7
    assert caught.value.stderr == "my last words\n"
    assert "my last words" in str(caught.value)
    with pytest.raises(BackendDied, match="exit code 7"):
        await menu.call("add", [1, 1])


async def test_a_backend_that_closes_its_wire_is_killed(menu: Backend) -> None:
    with pytest.raises(BackendDied):
        await menu.call("close_wire", timeout=DEADLINE)
    assert not lives(menu.pid)


async def test_large_values_both_ways(menu: Backend) -> None:
    value = "ü" + "x" * (10 * 1024 * 1024)
    # Escaped on the wire; the frame stays below the cap.
    assert await menu.call("echo", {"value": value}, timeout=DEADLINE) == value


async def test_many_large_calls_at_once_are_held_back_not_piled_up(menu: Backend) -> None:
    async def one(size: int) -> None:
        answer = await menu.call("echo", {"value": "x" * size}, timeout=DEADLINE)
        assert len(answer) == size

    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(one, 500_000 + number)


async def test_calls_wait_for_a_backend_that_reads_nothing_until_their_timeout(
    menu: Backend,
) -> None:
    os.kill(menu.pid, signal.SIGSTOP)
    failed = 0

    async def one() -> None:
        nonlocal failed
        with pytest.raises(CallTimeout):
            await menu.call("echo", {"value": "x" * 3_000_000}, timeout=0.2)
        failed += 1

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(one)
    os.kill(menu.pid, signal.SIGCONT)
    assert failed == 5
    assert await menu.call("add", [1, 1], timeout=DEADLINE) == 2


async def test_terminate_is_idempotent_and_may_be_called_by_many(menu: Backend) -> None:
    pid = menu.pid
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(menu.terminate)
    assert not lives(pid)
    await menu.terminate()
    assert menu.status.state == "stopped"
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.code == 0
    with pytest.raises(BackendError, match="stopped by its host"):
        await menu.call("add", [1, 1])


async def test_calls_in_flight_fail_when_the_backend_is_stopped(menu: Backend) -> None:
    async with anyio.create_task_group() as group:

        async def one() -> None:
            with pytest.raises(BackendDied, match="stopped by its host"):
                await menu.call("stubborn", timeout=None)

        group.start_soon(one)
        await until(lambda: menu.status.state == "busy")
        await menu.terminate(grace=0.2)
    assert not lives(menu.pid)


async def test_a_second_terminate_can_cut_the_first_short(menu: Backend) -> None:
    await menu.call("slow_shutdown")
    await menu.call("ignore_sigterm")
    async with anyio.create_task_group() as group:
        group.start_soon(menu.terminate)
        await until(lambda: menu.status.state == "stopping")
        with anyio.fail_after(DEADLINE):
            await menu.terminate(grace=0)
    assert not lives(menu.pid)


async def test_terminate_completes_though_its_caller_is_cancelled(menu: Backend) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await menu.terminate()
    assert not lives(menu.pid)


async def test_a_stopped_process_can_be_terminated(menu: Backend) -> None:
    os.kill(menu.pid, signal.SIGSTOP)
    await menu.terminate()
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.code == 0


async def test_a_backend_is_a_context(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        async with await manager.spawn(MENU) as menu:
            assert await menu.call("add", [1, 1]) == 2
        assert not lives(menu.pid)


async def test_status_tells_what_is_going_on(menu: Backend) -> None:
    status = menu.status
    assert (status.name, status.state, status.pid) == ("menu", "ready", menu.pid)
    assert status.calls == status.failed_calls == status.in_flight == 0
    assert "add" in status.methods
    assert not status.plain
    await menu.call("add", [1, 1])
    with pytest.raises(RemoteError):
        await menu.call("fail", ["x"])
    assert (menu.status.calls, menu.status.failed_calls) == (2, 1)
    assert menu.status.uptime > 0
    assert "menu" in repr(menu)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_idioms_around_a_call(menu: Backend) -> None:
    task = asyncio.create_task(menu.call("add", [1, 1]))
    assert await task == 2
    results = await asyncio.gather(*(menu.call("echo", [number]) for number in range(50)))
    assert results == list(range(50))
    assert await asyncio.wait_for(menu.call("add", [1, 1]), DEADLINE) == 2
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(menu.call("sleep", [60]), 0.05)
    task = asyncio.create_task(menu.call("sleep", [60]))
    await until(lambda: menu.status.in_flight == 1)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert await asyncio.shield(menu.call("add", [1, 1])) == 2


def test_plain_params() -> None:
    given = {"a": 1}
    assert plain_params(given) is given
    assert plain_params(None) is None
    assert plain_params((1, 2)) == [1, 2]
    assert plain_params(number for number in (1, 2)) == [1, 2]
    for bad in ("text", b"bytes", 12):
        with pytest.raises(TypeError, match="params"):
            plain_params(bad)
