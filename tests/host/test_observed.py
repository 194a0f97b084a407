"""A manager with instruments: they hear of every call, and headers reach the method."""

from __future__ import annotations

import os
import signal
from typing import Any

import anyio
import pytest

from bridgekit import BackendDied, CallCancelled, CallTimeout, ProcessManager, RemoteError
from bridgekit.host.handle import Backend
from bridgekit.host.instruments import Instrument, Instruments, ObservedCall
from bridgekit.host.observed import handle_for
from bridgekit.policy.lifecycle import StateChange
from tests.host.support import CHILDREN, DEADLINE, plain, until

BACKEND = str(CHILDREN / "instrumented.py")


class Notes(Instrument):
    def __init__(self) -> None:
        self.open: list[ObservedCall] = []
        self.ended: list[ObservedCall] = []
        self.changes: list[tuple[str, str]] = []

    def call_started(self, call: ObservedCall) -> None:
        call.headers["number"] = str(len(self.open) + len(self.ended))
        self.open.append(call)

    def call_ended(self, call: ObservedCall) -> None:
        self.open.remove(call)
        self.ended.append(call)

    def worker_changed(self, change: StateChange) -> None:
        self.changes.append((change.backend, change.new))

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [
            (each.method, "" if each.error is None else type(each.error).__name__)
            for each in self.ended
        ]


def test_without_instruments_the_handle_is_the_plain_one() -> None:
    assert handle_for(Instruments()) is Backend
    assert ProcessManager()._handle is Backend


@pytest.mark.parametrize("wire", ["native", "jsonrpc", "msgpack"])
async def test_headers_reach_every_kind_of_method(anyio_backend: str, wire: str) -> None:
    notes = Notes()
    async with ProcessManager(instruments=[notes], call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(BACKEND, wire=wire)
        assert await backend.call("headers") == {"number": "0"}
        assert await backend.call("elsewhere") == {"number": "1"}
        assert await backend.call("later") == {"number": "2"}
        assert await backend.call_many("headers", [{}, {}]) == [{"number": "3"}] * 2
        assert await backend.call_many("later", [{}]) == [{"number": "4"}]
        assert [h async for h in backend.stream("items", [2])] == [{"number": "5"}] * 2
        assert [h async for h in backend.stream("items_later", [1])] == [{"number": "6"}]
        assert await backend.proxy.headers() == {"number": "7"}
        both: list[Any] = []
        async with anyio.create_task_group() as group:
            for method in ("headers", "later"):
                group.start_soon(
                    lambda name=method: _append(both, backend.call(name, [0.05]))  # type: ignore[misc]
                )
        assert sorted(each["number"] for each in both) == ["8", "9"]
    assert not notes.open
    kinds = [(call.kind, call.items) for call in notes.ended]
    assert kinds[:7] == [("call", 1)] * 3 + [("many", 2), ("many", 1)] + [("stream", 1)] * 2
    assert all(call.error is None and call.seconds > 0 for call in notes.ended)


async def _append(found: list[Any], coroutine: Any) -> None:
    found.append(await coroutine)


async def test_every_end_is_told(anyio_backend: str) -> None:
    notes = Notes()
    async with ProcessManager(instruments=[notes], call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(BACKEND)
        with pytest.raises(RemoteError):
            await backend.call("fail")
        with pytest.raises(RemoteError):
            await backend.call_many("fail", [None])
        with pytest.raises(CallTimeout):
            await backend.call("sleep", [60], timeout=0.05)
        with anyio.move_on_after(0.05):
            await backend.call("sleep", [60])
        with pytest.raises(RemoteError):
            async for _ in backend.stream("fail"):
                pass
        stream = backend.stream("items", [1000])
        async with stream:
            await anext(stream)
        backend = await manager.spawn(BACKEND)  # one that certainly gets the call at once
        async with anyio.create_task_group() as group:
            group.start_soon(_kill_soon, notes, backend.pid)
            with pytest.raises(BackendDied):
                await backend.call("sleep", [60])
    assert not notes.open
    cancelled = "Cancelled" if anyio_backend == "trio" else "CancelledError"
    assert notes.outcomes == [
        ("fail", "RemoteError"),
        ("fail", "RemoteError"),
        ("sleep", "CallTimeout"),
        ("sleep", cancelled),
        ("fail", "RemoteError"),
        ("items", CallCancelled.__name__),
        ("sleep", "BackendDied"),
    ]
    assert ("instrumented", "ready") in notes.changes
    assert notes.changes[-1][1] in ("failed", "backing-off", "stopped")


async def _kill_soon(notes: Notes, pid: int) -> None:
    await until(lambda: notes.open)
    os.kill(pid, signal.SIGKILL)


async def test_a_deliberate_stop_and_a_failed_start(anyio_backend: str) -> None:
    notes = Notes()
    async with ProcessManager(instruments=[notes]) as manager:
        backend = await manager.spawn(BACKEND, name="shop")
        await backend.terminate()
    assert [new for name, new in notes.changes if new not in ("starting", "stopping")] == [
        "ready",
        "stopped",
    ]


async def test_a_plain_backend_gets_plain_frames(anyio_backend: str) -> None:
    notes = Notes()
    async with ProcessManager(instruments=[notes]) as manager:
        backend = await manager.spawn(plain("ready"))
        assert await backend.call("add", {"a": 1, "b": 2}) == 3
    assert notes.outcomes == [("add", "")]
