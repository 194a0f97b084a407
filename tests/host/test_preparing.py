"""Nothing waits on the event loop for what a script needs."""

from __future__ import annotations

import threading

import pytest

from bridgekit import BackendSpec
from bridgekit.host import preparing
from bridgekit.host.preparing import prepare


async def test_uv_is_waited_for_in_a_thread(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(preparing, "unprepared_script", lambda *_: "x.py")
    monkeypatch.setattr(preparing, "script_python", lambda _: threads.append(threading.get_ident()))
    await prepare(BackendSpec("x.py"))
    assert threads
    assert threads[0] != threading.get_ident()


async def test_usually_there_is_nothing_to_wait_for(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "script_python", None)
    await prepare(BackendSpec("x.py"))
