"""Backends as rows of a table."""

from __future__ import annotations

import json

import pytest

from bridgekit import ProcessManager
from bridgekit.cli.board import COLUMNS, describe, plain, rows
from tests.cli.support import MENU


async def test_a_backend_described() -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(MENU, workers=2)
        await backend.call("add", [1])
        (found,) = json.loads(json.dumps(describe([backend])))
    assert (found["name"], found["calls"], len(found["workers"])) == ("menu", 1, 2)
    assert found["workers"][0]["pid"] == found["pid"]
    assert [row[0] for row in rows([found])] == ["menu/0", "menu/1"]


def worker(**fields: object) -> dict[str, object]:
    nothing = dict.fromkeys(("pid", "memory", "cpu", "last_exit"))
    return (
        {"worker": 0, "state": "ready", "uptime": 0, "restarts": 0, "calls": 0} | nothing | fields
    )


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.9, "0s"), (61, "1m 01s"), (3600 + 120, "1h 02m"), (2 * 86400 + 3600, "2d 01h")],
)
def test_uptime(seconds: float, shown: str) -> None:
    described = {"name": "a", "queued": 0, "workers": [worker(pid=1, uptime=seconds)]}
    assert rows([described])[0][3] == shown


def test_the_table() -> None:
    described = {
        "name": "a",
        "queued": 3,
        "workers": [
            worker(pid=12, uptime=5, memory=3 * 2**20, cpu=0.25, calls=7),
            worker(worker=1, state="failed", restarts=2, last_exit="exit\ncode 1"),
        ],
    }
    lines = plain(rows([described])).splitlines()
    assert lines[0].split("  ")[0] == COLUMNS[0]
    assert lines[1].split() == ["a/0", "ready", "12", "5s", "0", "7", "3", "3.0", "MiB", "0.2", "s"]
    assert lines[2].split() == ["a/1", "failed", *"--20---", "exit", "code", "1"]
