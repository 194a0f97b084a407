"""The manager: starting, refusing, stopping all; on asyncio and trio with real processes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import anyio
import pytest

from bridgekit import (
    BackendDied,
    BackendError,
    BackendSpec,
    BackendStartError,
    BridgeError,
    CallTimeout,
    ProcessManager,
    RemoteError,
)
from tests.host.support import DEADLINE, MENU, lives, plain, until


@pytest.mark.parametrize("manner", ["ready", "silent", "mute", "garbage", "lenient"])
async def test_plain_backends_of_every_manner(anyio_backend: str, manner: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(plain(manner), name=manner)
        assert backend.status.plain
        assert backend.name == manner
        seen: list[int] = []
        backend.on("tick", lambda event: seen.append(event.data["n"]))
        assert await backend.call("add", {"a": 1, "b": 2}) == 3
        assert await backend.call("tick", {"n": 3}) == 3
        assert seen == [0, 1, 2]
        with pytest.raises(RemoteError, match="as you wish") as caught:
            await backend.call("fail")
        assert "ValueError" in (caught.value.traceback or "")
        before = backend.status.malformed_frames
        assert await backend.call("garbage") == "sorry"
        assert backend.status.malformed_frames > before
        with pytest.raises(CallTimeout):
            await backend.call("sleep", {"seconds": 1.0}, timeout=0.02)
        assert await backend.call("echo", {"x": "ü€"}, timeout=DEADLINE) == {"x": "ü€"}
        assert backend.status.late_replies == 1
        with pytest.raises(BackendDied, match="exit code 3"):
            await backend.call("die", {"code": 3})


async def test_a_backend_without_any_greeting(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        spec = BackendSpec(plain("silent"), hello=False)
        backend = await manager.spawn(spec)
        assert await backend.call("add", {"a": 1, "b": 2}) == 3


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("import no_such_package", 1, "no_such_package"),
        ("import sys; sys.exit(7)", 7, "exit code 7"),
        ("this is no python", 1, "SyntaxError"),
        ("raise RuntimeError('while loading')", 1, "while loading"),
        ("", None, "PythonBridge"),
        ("import os; os.kill(os.getpid(), 9)", -9, "SIGKILL"),
        ("import os, sys; sys.stderr.write('x' * 20000 + 'the end'); os._exit(1)", 1, "the end"),
    ],
)
async def test_failed_starts_are_reported_with_their_reason(
    anyio_backend: str, tmp_path: Path, source: str, code: int | None, says: str
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(source)
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError) as caught:
            await manager.spawn(script)
        assert says in str(caught.value)
        if code is not None:
            assert caught.value.exit_code == code
        assert len(caught.value.stderr) <= 8192
        assert not manager.backends


@pytest.mark.parametrize("source", [None, "import no_such_package", "import sys; sys.exit(7)"])
async def test_a_failed_start_is_told_at_once(
    anyio_backend: str, tmp_path: Path, source: str | None
) -> None:
    script = tmp_path / "broken.py"
    if source is not None:
        script.write_text(source)
    took = []
    async with ProcessManager() as manager:
        for _ in range(5):  # a busy machine may hold up some of them
            began = time.monotonic()
            with pytest.raises(BackendStartError):
                await manager.spawn(script)
            took.append(time.monotonic() - began)
    assert min(took) < 0.25, took


async def test_a_missing_file_starts_nothing(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError, match=r"no_such_file\.py"):
            await manager.spawn("no_such_file.py")


async def test_a_backend_that_says_nothing_is_given_up(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        silence = [sys.executable, "-c", "print('Welcome!'); import time; time.sleep(60)"]
        with pytest.raises(BackendStartError, match=r"within 0\.3 s"):
            await manager.spawn(silence, start_timeout=0.3)
        with pytest.raises(BackendStartError, match="printed 'usage"):
            await manager.spawn([sys.executable, "-c", "print('usage: none')"])


async def test_a_backend_of_another_protocol_is_refused(anyio_backend: str) -> None:
    frame = '{"id":1,"status":"success","result":{"protocol":99}}'
    code = f"import sys, time; sys.stdout.write('{frame}\\0'); sys.stdout.flush(); time.sleep(60)"
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError, match="protocol 99"):
            await manager.spawn([sys.executable, "-c", code])


async def test_cancelling_a_start_leaves_no_process(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with anyio.move_on_after(0.1):
            await manager.spawn([sys.executable, "-c", "import time; time.sleep(60)"])
        assert not manager.backends


async def test_leaving_the_block_stops_all_children_in_parallel(anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=1.0) as manager:
        backends = [await manager.spawn(MENU) for _ in range(5)]
        assert [backend.name for backend in backends] == [
            "menu",
            "menu-2",
            "menu-3",
            "menu-4",
            "menu-5",
        ]
        for backend in backends:
            await backend.call("slow_shutdown")
            await backend.call("ignore_sigterm")
        started = time.monotonic()
    assert time.monotonic() - started < 5 * 1.0
    assert not any(lives(backend.pid) for backend in backends)


async def test_leaving_with_calls_in_flight(anyio_backend: str) -> None:
    errors: list[BaseException] = []
    async with anyio.create_task_group() as group, ProcessManager(stop_grace=0.2) as manager:
        menu = await manager.spawn(MENU)

        async def one(method: str) -> None:
            try:
                await menu.call(method, timeout=None)
            except BridgeError as error:
                errors.append(error)

        group.start_soon(one, "stubborn")
        await until(lambda: menu.status.in_flight)
        for _ in range(20):
            group.start_soon(one, "pid")
        await until(lambda: menu.status.queued == 20)
    assert any(isinstance(error, BackendDied) for error in errors)
    assert not lives(menu.pid)


async def test_an_exception_in_the_block_comes_out_as_it_is(anyio_backend: str) -> None:
    pids: list[int] = []

    async def use() -> None:
        async with ProcessManager() as manager:
            pids.append((await manager.spawn(MENU)).pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use()
    assert not lives(pids[0])


async def test_a_cancelled_block_stops_its_children(anyio_backend: str) -> None:
    with anyio.CancelScope() as scope:
        async with ProcessManager() as manager:
            menu = await manager.spawn(MENU)
            scope.cancel()
            await menu.call("sleep", {"seconds": 60})
    assert scope.cancelled_caught
    assert not lives(menu.pid)


async def test_a_closed_or_unopened_manager_starts_nothing(anyio_backend: str) -> None:
    manager = ProcessManager()
    with pytest.raises(BridgeError, match="async with"):
        await manager.spawn(MENU)
    async with manager:
        await manager.close()
        with pytest.raises(BackendError, match="closed"):
            await manager.spawn(MENU)
    with pytest.raises(BridgeError):
        async with manager:
            pass


async def test_the_number_of_processes_is_limited(anyio_backend: str) -> None:
    async with ProcessManager(max_processes=2) as manager:
        first = await manager.spawn(MENU)
        await manager.spawn(MENU)
        with pytest.raises(BackendStartError, match=r"within 0\.1 s: 2 processes.*max_processes"):
            await manager.spawn(MENU, start_timeout=0.1)
        assert set(manager.backends) == {"menu", "menu-2"}
        async with anyio.create_task_group() as group:
            group.start_soon(manager.spawn, MENU)  # waits until one of the two ends
            await until(lambda: manager._hub.budget.waiting)
            await first.terminate()
        assert set(manager.backends) == {"menu-2", "menu-3"}
        assert repr(manager).startswith("<ProcessManager 2 of 2 ")


async def test_options_and_names_are_checked(anyio_backend: str) -> None:
    for bad in (0, -1, "2"):
        with pytest.raises(ValueError, match="max_processes"):
            ProcessManager(max_processes=bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stop_grace"):
        ProcessManager(stop_grace=-1)
    async with ProcessManager() as manager:
        with pytest.raises(TypeError, match="no_such_option"):
            await manager.spawn(MENU, no_such_option=1)
        with pytest.raises(ValueError, match="call_timeout=-1"):
            await manager.spawn(MENU, call_timeout=-1)
        await manager.spawn(MENU, name="mine")
        with pytest.raises(ValueError, match="mine"):
            await manager.spawn(MENU, name="mine")


async def test_defaults_reach_backends_and_a_spec_speaks_for_itself(anyio_backend: str) -> None:
    async with ProcessManager(call_timeout=7.0) as manager:
        assert (await manager.spawn(MENU)).spec.call_timeout == 7.0
        assert (await manager.spawn(MENU, call_timeout=None)).spec.call_timeout is None
        spec = BackendSpec(MENU, env={"COLOUR": "blue"})
        backend = await manager.spawn(spec, call_timeout=3.0)
        assert backend.spec == BackendSpec(MENU, env={"COLOUR": "blue"}, call_timeout=3.0)
        assert (await backend.call("environment"))["COLOUR"] == "blue"


async def test_children_get_an_allow_listed_environment(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET_TOKEN", "hunter2")
    async with ProcessManager() as manager:
        closed = await manager.spawn(MENU)
        assert "MY_SECRET_TOKEN" not in await closed.call("environment")
        opened = await manager.spawn(MENU, inherit_env=["MY_SECRET_TOKEN"])
        assert (await opened.call("environment"))["MY_SECRET_TOKEN"] == "hunter2"


async def test_functions_exposed_by_the_manager(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        manager.expose("who", lambda: "the manager")
        menu = await manager.spawn(MENU)
        assert await menu.call("ask_host", {"name": "who", "params": {}}) == "the manager"
        menu.expose("who", lambda: "the backend's own")
        assert await menu.call("ask_host", {"name": "who", "params": {}}) == "the backend's own"


async def test_two_managers_side_by_side(anyio_backend: str) -> None:
    async with ProcessManager() as one, ProcessManager() as two:
        first, second = await one.spawn(MENU), await two.spawn(MENU)
        await first.terminate()
        assert await second.call("add", [1, 1]) == 2


async def test_execute_runs_a_function_body(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        code = "return {'hello': name}"
        assert await manager.execute(code, {"name": "world"}) == {"hello": "world"}
        assert await manager.execute("pass") is None
        assert await manager.execute("") is None
        hostile = "'); import os; os._exit(1); ('"
        assert await manager.execute("return text", {"text": hostile}) == hostile
        waiting = "import asyncio\nawait asyncio.sleep(0)\nreturn 'waited'"
        assert await manager.execute(waiting) == "waited"
        assert not manager.backends


async def test_execute_shows_the_lines_of_the_code(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(RemoteError) as caught:
            await manager.execute("low = 0\nreturn high / low", {"high": 1})
        assert caught.value.type == "ZeroDivisionError"
        assert "line 2" in str(caught.value)
        assert "return high / low" in str(caught.value)
        with pytest.raises(RemoteError) as caught:
            await manager.execute("return (")
        assert caught.value.type == "SyntaxError"


async def test_execute_captures_what_is_printed(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        seen: list[str] = []
        await manager.execute(
            "print('one')\nprint('two')", on_event=lambda event: seen.append(event.data["text"])
        )
        assert "".join(seen) == "one\ntwo\n"


async def test_execute_is_stopped_by_its_timeout(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(CallTimeout, match=r"within 0\.5 s"):
            await manager.execute("while True: pass", timeout=0.5)
        assert not manager.backends


async def test_execute_refuses_what_is_no_code_or_no_name(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(TypeError, match="text"):
            await manager.execute(12)  # type: ignore[arg-type]
        for name in ("not a name", "class", "a=1", ""):
            with pytest.raises(ValueError, match="name of a parameter"):
                await manager.execute("pass", {name: 1})


CARELESS = """
import asyncio, sys
from bridgekit import ProcessManager

loop = asyncio.new_event_loop()

async def start():
    manager = ProcessManager()
    await manager.__aenter__()
    return await manager.spawn(sys.argv[1])

backend = loop.run_until_complete(start())
loop.close()
try:
    asyncio.run(backend.call("sleep", [60]))
except RuntimeError as error:
    assert "different loop" in str(error), error
    print(backend.pid)
"""


async def test_a_loop_closed_under_the_manager_leaves_no_child(anyio_backend: str) -> None:
    done = await anyio.run_process([sys.executable, "-W", "ignore", "-c", CARELESS, MENU])
    pid = int(done.stdout)
    await until(lambda: not lives(pid))


def test_without_an_event_loop_the_blocking_face_is_named() -> None:
    from bridgekit.host.channels import channel_class

    with pytest.raises(BridgeError, match=r"bridgekit\.blocking"):
        channel_class()


async def test_a_wire_that_lacks_its_package_takes_no_place(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It failed where nobody gave the place back: soon the manager had none left."""
    monkeypatch.setitem(sys.modules, "msgpack", None)
    async with ProcessManager(max_processes=1) as manager:
        for _ in range(2):
            with pytest.raises(
                BackendStartError, match=r"the msgpack wire needs .*msgpack"
            ) as caught:
                await manager.spawn(MENU, wire="msgpack")
            assert caught.value.backend == "menu"
        menu = await manager.spawn(MENU)
        assert await menu.call("add", [1, 2], timeout=DEADLINE) == 3


async def test_the_time_of_execute_covers_the_start(anyio_backend: str, tmp_path: Path) -> None:
    slow = tmp_path / "slow-python"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)
    async with ProcessManager() as manager:
        for seconds in (0.3, 0):
            with pytest.raises(CallTimeout, match="while the process was starting") as caught:
                await manager.execute("return 1", timeout=seconds, python=str(slow))
            assert caught.value.timeout == seconds
        with pytest.raises(BackendStartError, match=r"did not answer within 0\.1 s"):
            await manager.execute("return 1", timeout=60, start_timeout=0.1, python=str(slow))
        slow.write_text("#!/bin/sh\nexit 3\n")
        with pytest.raises(BackendStartError, match="did not start"):
            await manager.execute("return 1", timeout=60, python=str(slow))
        assert not manager.backends
