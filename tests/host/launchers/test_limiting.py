"""Limits of a process: applied for real, and refused with their reason."""

from __future__ import annotations

import os
import resource
import signal

import pytest

from bridgekit import BackendDied, BackendStartError, ProcessManager
from bridgekit.host.launchers.limiting import LimitRefused, apply_limits
from bridgekit.policy.limits import ResourceLimits
from tests.host.support import DEADLINE, MENU

LOOK = """
import os, resource
return {
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "memory": resource.getrlimit(resource.RLIMIT_AS),
    "nice": os.nice(0),
}
"""


async def test_limits_hold_in_the_child(anyio_backend: str) -> None:
    limits = {"open_files": 64, "core_size": 0, "address_space": 1 << 30, "nice": os.nice(0) + 3}
    async with ProcessManager() as manager:
        seen = await manager.execute(LOOK, limits=limits)
    assert seen == {
        "files": [64, 64],
        "core": [0, 0],
        "memory": [1 << 30, 1 << 30],
        "nice": os.nice(0) + 3,
    }


async def test_processor_time_ends_with_a_signal_that_is_named(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(BackendDied) as caught:
            await manager.execute("while True: pass", timeout=DEADLINE, limits={"cpu_seconds": 1})
    assert caught.value.signal in ("SIGXCPU", "SIGKILL")


async def test_what_the_host_may_not_do_itself_is_refused(anyio_backend: str) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with ProcessManager() as manager:
        if most != resource.RLIM_INFINITY and os.geteuid():
            with pytest.raises(BackendStartError, match="hard limit"):
                await manager.spawn(MENU, limits={"open_files": most + 1})
        with pytest.raises(BackendStartError, match="open_files"):
            await manager.spawn(MENU, limits={"open_files": 1 << 60})
        assert not manager.backends


def test_a_process_that_is_gone_needs_no_limit() -> None:
    pid = os.fork()
    if not pid:
        signal.pause()
        os._exit(0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    apply_limits(pid, ResourceLimits(open_files=64, nice=5))


def test_other_systems_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(LimitRefused, match="Linux only"):
        apply_limits(os.getpid(), ResourceLimits(open_files=64))
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(LimitRefused, match="nice"):
        apply_limits(os.getpid(), ResourceLimits(nice=3))
