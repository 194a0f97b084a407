"""Limits that no kernel holds: the host looks at its workers' memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgekit import BackendDied, ProcessManager
from bridgekit.blocking import ProcessManager as BlockingManager
from tests.host.support import DEADLINE

HUNGRY = """
import threading
from bridgekit import PythonBridge

class Hungry(PythonBridge):
    def take(self, mib):
        self.taken = bytearray(mib * 2**20)
        return len(self.taken)

    def hold(self, mib):
        self.taken = bytearray(mib * 2**20)
        threading.Event().wait()

Hungry().run()
"""
LIMITS = {"rss": 120 * 2**20}
TOO_MUCH = r"more than limits\.rss allows \(120 MiB\), so its host killed it"


@pytest.fixture
def hungry(tmp_path: Path) -> str:
    script = tmp_path / "hungry.py"
    script.write_text(HUNGRY)
    return str(script)


async def test_a_call_that_takes_too_much_memory_is_ended_while_it_runs(hungry: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(hungry, limits=LIMITS, restart={"backoff": 0})
        assert await backend.call("take", [1]) == 2**20
        with pytest.raises(BackendDied, match=TOO_MUCH):
            await backend.call("hold", [200], timeout=DEADLINE)
        assert await backend.call("take", [1], timeout=DEADLINE) == 2**20
        assert backend.status.restarts == 1


def test_nor_without_await(hungry: str) -> None:
    with BlockingManager() as manager:
        backend = manager.spawn(hungry, limits=LIMITS, restart={"backoff": 0})
        assert backend.call("take", [1]) == 2**20
        with pytest.raises(BackendDied, match=TOO_MUCH):
            backend.call("hold", [200], timeout=DEADLINE)
        assert backend.call("take", [1], timeout=DEADLINE) == 2**20
        assert backend.status.restarts == 1
