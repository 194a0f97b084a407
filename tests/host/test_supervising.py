"""Supervision with real processes that misbehave by name, on asyncio and trio."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import anyio
import pytest

from bridgekit import (
    BackendError,
    BackendStartError,
    ProcessManager,
    RestartLimitReached,
    RestartPolicy,
)
from tests.host.supervision_support import AT_ONCE, MOODY, OF_ANOTHER_PROTOCOL, failing, moods
from tests.host.support import DEADLINE, lives, until


async def test_a_crash_is_followed_by_a_restart_and_tells_when(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=RestartPolicy(backoff=0.05, jitter=False))
        before = backend.pid
        error = await failing(backend, "die")
        assert error.next_restart == pytest.approx(0.05, abs=0.01)
        assert "it is started again in 0.05 s" in str(error)
        assert await backend.call("pid", timeout=DEADLINE) == backend.pid != before
        assert backend.status.restarts == 1
        assert manager.backends["moody"] is backend
        last = backend.status.last_exit
        assert last is not None
        assert last.code == 3


async def test_log_records_tell_of_which_process_they_are(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="bridgekit")
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, name="moody", restart="never")
        pid = backend.pid
        await failing(backend, "die")
    records = [vars(record) for record in caplog.records if record.name.startswith("bridgekit")]
    assert {record["backend"] for record in records} == {"moody"}
    failed = next(record for record in records if "has failed" in record["msg"])
    assert (failed["levelname"], failed["pid"]) == ("ERROR", pid)
    # Before there is one, there is none to be named.
    assert [record["pid"] for record in records if "starting ->" in record["message"]] == [pid]
    assert [record["pid"] for record in records if "-> starting" in record["message"]] == [None]


async def test_until_it_is_started_again_a_backend_shows_that_it_backs_off(
    anyio_backend: str,
) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=RestartPolicy(backoff=20.0, jitter=False))
        await failing(backend, "die")
        assert backend.status.state == "backing-off"
        assert backend.status.pid is None


@pytest.mark.parametrize("mood", ["crash before", "garbage", "hang"])
async def test_starts_that_fail_are_tried_again(
    anyio_backend: str, tmp_path: Path, mood: str
) -> None:
    env = moods(tmp_path, "good", mood, mood)
    async with ProcessManager(start_timeout=2.0) as manager:
        backend = await manager.spawn(MOODY, env=env, restart=AT_ONCE)
        await failing(backend, "die")
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2
        assert backend.status.restarts == 3


async def test_a_first_start_that_fails_is_told_at_once(anyio_backend: str, tmp_path: Path) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError, match="no mood for this") as caught:
            await manager.spawn(MOODY, env=moods(tmp_path, "crash before"), restart=AT_ONCE)
        assert caught.value.exit_code == 3
        assert not manager.backends
        assert manager._hub.budget.used == 0


async def test_a_crash_loop_ends_in_failure_with_the_story(
    anyio_backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    env = moods(tmp_path, "good", *["crash before"] * 10)
    async with ProcessManager() as manager:
        backend = await manager.spawn(
            MOODY, env=env, restart=RestartPolicy(backoff=0, max_restarts=3)
        )
        await failing(backend, "die")
        with anyio.fail_after(DEADLINE):
            await backend.wait()
        assert backend.status.state == "failed"
        with pytest.raises(RestartLimitReached) as caught:
            await backend.call("add", [1, 1])
        story = str(caught.value)
        assert "died 4 times within 180 s" in story
        assert story.count("no mood for this") >= 3
        assert "has failed" in caplog.text
        # Its host may think better of it.
        Path(env["MOODS"]).write_text("")
        await backend.restart()
        assert await backend.call("add", [1, 1]) == 2


async def test_ending_well_in_a_loop_counts(anyio_backend: str, tmp_path: Path) -> None:
    env = moods(tmp_path, *["exit after"] * 10)
    async with ProcessManager() as manager:
        backend = await manager.spawn(
            MOODY, env=env, restart=RestartPolicy(backoff=0, max_restarts=2)
        )
        with anyio.fail_after(DEADLINE):
            await backend.wait()
        assert backend.status.state == "failed"
        assert backend.status.restarts == 2


async def test_a_target_that_vanished_is_not_tried_again(
    anyio_backend: str, tmp_path: Path
) -> None:
    script = tmp_path / "moody.py"
    script.write_text(Path(MOODY).read_text())
    async with ProcessManager() as manager:
        backend = await manager.spawn(script, restart=AT_ONCE)
        script.unlink()
        await failing(backend, "die")
        with pytest.raises(BackendStartError, match=r"moody\.py"):
            await backend.call("add", [1, 1])
        assert backend.status.state == "failed"


async def test_another_version_of_the_protocol_is_not_tried_again(
    anyio_backend: str, tmp_path: Path
) -> None:
    script = tmp_path / "moody.py"
    script.write_text(Path(MOODY).read_text())
    async with ProcessManager() as manager:
        backend = await manager.spawn([sys.executable, str(script)], restart=AT_ONCE)
        script.write_text(OF_ANOTHER_PROTOCOL)  # an update under a running host
        await failing(backend, "die")
        with pytest.raises(BackendStartError, match="protocol 99"):
            await backend.call("add", [1, 1], timeout=DEADLINE)
        assert (backend.status.state, backend.status.restarts) == ("failed", 1)


async def test_a_deliberate_stop_restarts_nothing_until_told(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart="always")
        pid = backend.pid
        await backend.terminate()
        assert not lives(pid)
        assert backend.status.state == "stopped"
        assert "moody" not in manager.backends
        with pytest.raises(BackendError, match="stopped by its host"):
            await backend.call("add", [1, 1])
        await backend.restart()
        assert await backend.call("pid") != pid
        assert manager.backends["moody"] is backend
        await backend.terminate()
        other = await manager.spawn(MOODY)
        with pytest.raises(BackendError, match="another backend"):
            await backend.restart()
        assert await other.call("add", [1, 1]) == 2


async def test_a_slow_backend_delays_no_other(anyio_backend: str, tmp_path: Path) -> None:
    async with ProcessManager() as manager:
        slow = await manager.spawn(
            MOODY, name="slow", env=moods(tmp_path, "good", "hang"), restart=AT_ONCE
        )
        quick = await manager.spawn(MOODY, name="quick", restart=AT_ONCE)
        await failing(slow, "die")
        await failing(quick, "die")
        assert await quick.call("add", [1, 1], timeout=DEADLINE) == 2
        assert slow.status.state == "starting"


async def test_a_stop_during_a_restart(anyio_backend: str, tmp_path: Path) -> None:
    async with ProcessManager(stop_grace=0.2) as manager:
        backend = await manager.spawn(MOODY, env=moods(tmp_path, "good", "hang"), restart=AT_ONCE)
        await failing(backend, "die")
        await until(lambda: backend.status.state == "starting")
        pid = backend.pid
        await backend.terminate()
        assert not lives(pid)
        assert backend.status.state == "stopped"


async def test_cancelling_a_start_at_any_moment_leaves_nothing(anyio_backend: str) -> None:
    async with ProcessManager(stop_grace=0.5) as manager:
        for delay in range(8):
            with anyio.move_on_after(delay * 0.01):
                await manager.spawn(MOODY, name="x")
            if "x" in manager.backends:
                await manager.backends["x"].terminate(grace=0)
        assert not manager.backends
        assert manager._hub.budget.used == 0
        assert not manager._hub.drivers


async def test_many_stop_in_parallel_within_the_grace(anyio_backend: str) -> None:
    async with ProcessManager(max_processes=20, stop_grace=0.5) as manager:
        backend = await manager.spawn(MOODY, workers=15, env={"LINGER": "1"}, start_timeout=30)
        await until(lambda: [one.state for one in backend.statuses] == ["ready"] * 15)
        started = time.monotonic()
    assert time.monotonic() - started < 5.0


async def test_other_code_that_waits_for_all_children(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY, restart=AT_ONCE)
        pid = backend.pid
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        await until(lambda: backend.pid != pid)
        assert await backend.call("add", [1, 1], timeout=DEADLINE) == 2


async def test_a_host_that_forks_keeps_its_backends(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MOODY)
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        assert await backend.call("add", [1, 1]) == 2
        assert lives(backend.pid)
