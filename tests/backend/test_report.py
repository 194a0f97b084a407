"""What a backend says about how it is doing."""

from __future__ import annotations

import os
import sys
import threading
from _thread import allocate_lock, start_new_thread
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.backend import report
from tests.backend.conftest import Start

BODY = """
def add(self, a):
    return a + 1

def fails(self):
    raise ValueError("no")

def sleeps(self):
    self.send_event("started")
    time.sleep(60)

async def waits(self):
    import asyncio
    self.send_event("waiting")
    await asyncio.Event().wait()
"""


def loop_of(**options: Any) -> Any:
    """A loop as far as reports look at it."""
    settings: dict[str, Any] = {
        "running": None, "active": {}, "queue": [], "started": 0.0, "calls": 0, "errors": 0,
        "main": threading.get_ident(), "helper": SimpleNamespace(ident=0),
    }  # fmt: skip
    return SimpleNamespace(**{**settings, **options})


def active(*ids: Any) -> dict[Any, Any]:
    return {each: SimpleNamespace(id=each) for each in ids}


# --- ping -------------------------------------------------------------------------------------


def test_a_backend_at_rest_is_not_busy() -> None:
    assert report.ping(loop_of()) == {"busy": False, "running": [], "queued": 0}


def test_every_running_call_is_named_once() -> None:
    entry = (1, "add", None, None)
    assert report.ping(loop_of(running=entry))["running"] == [1]
    assert report.ping(loop_of(running=SimpleNamespace(id=2)))["running"] == [2]
    assert report.ping(loop_of(running=entry, active=active(1, "x")))["running"] == [1, "x"]
    assert report.ping(loop_of(active=active(3)))["busy"]


def test_waiting_calls_make_it_busy() -> None:
    assert report.ping(loop_of(queue=[1, 2])) == {"busy": True, "running": [], "queued": 2}


# --- stats ------------------------------------------------------------------------------------


def test_stats_count() -> None:
    told = report.stats(loop_of(calls=3, errors=1, queue=[1], active=active(5, 6)))
    assert {name: told[name] for name in ("pid", "calls", "errors", "queued", "running")} == {
        "pid": os.getpid(), "calls": 3, "errors": 1, "queued": 1, "running": 2,
    }  # fmt: skip
    assert told["uptime"] > 0
    assert told["cpu_seconds"] > 0
    assert told["threads"] >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="the file is Linux's")
def test_memory_is_what_the_system_says() -> None:
    memory = report.stats(loop_of())["memory"]
    assert 1_000_000 < memory < 1 << 40
    assert memory % os.sysconf("SC_PAGE_SIZE") == 0


@pytest.mark.parametrize("text", [b"", b"one", b"1 many 3"])
def test_memory_that_the_system_does_not_say_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, text: bytes
) -> None:
    file = tmp_path / "statm"
    file.write_bytes(text)
    monkeypatch.setattr(report, "open", lambda *_: file.open("rb"), raising=False)
    assert report.stats(loop_of())["memory"] is None


def test_memory_is_unknown_where_there_is_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(report, "open", refuse, raising=False)
    assert report.stats(loop_of())["memory"] is None


# --- stack ------------------------------------------------------------------------------------


def threads_by_name(loop: Any) -> dict[str, dict[str, Any]]:
    return {each["thread"]: each for each in report.stack(loop)["threads"]}


def test_the_main_thread_comes_first_innermost_frame_last() -> None:
    first = report.stack(loop_of())["threads"][0]
    assert (first["thread"], first["ident"]) == ("main", threading.get_ident())
    assert first["frames"][-1].startswith(f'File "{report.__file__}", line ')
    assert first["frames"][-1].endswith(", in stack")
    assert first["frames"][-2].endswith("in test_the_main_thread_comes_first_innermost_frame_last")


def test_a_deep_stack_is_cut_at_its_outer_end() -> None:
    def deep(more: int) -> Any:
        return deep(more - 1) if more else report.stack(loop_of())["threads"][0]["frames"]

    frames = deep(200)
    assert len(frames) == 100
    assert frames[-1].endswith("in stack")
    assert frames[0].endswith("in deep")


def test_threads_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end, ended = threading.Event(), threading.Event(), threading.Event()
    raw_lock, raw_begun, raw_ended = allocate_lock(), allocate_lock(), allocate_lock()
    idents: list[int] = []

    def named() -> None:
        begun.set()
        end.wait()
        ended.set()

    def raw() -> None:
        idents.append(threading.get_ident())
        raw_begun.release()
        raw_lock.acquire()
        raw_lock.release()
        raw_ended.release()

    for lock in (raw_lock, raw_begun, raw_ended):
        lock.acquire()
    thread = threading.Thread(target=named, name="the author's")
    thread.start()
    start_new_thread(raw, ())
    try:
        begun.wait()
        raw_begun.acquire()
        told = threads_by_name(loop_of())
        assert told["the author's"]["ident"] == thread.ident
        assert any(line.endswith(", in named") for line in told["the author's"]["frames"])
        assert f"thread {idents[0]}" in told
        helper = SimpleNamespace(ident=idents[0])
        assert threads_by_name(loop_of(helper=helper))["bridgekit helper"]["ident"] == idents[0]
        monkeypatch.delitem(sys.modules, "threading")
        assert f"thread {thread.ident}" in threads_by_name(loop_of())
    finally:
        end.set()
        raw_lock.release()
        thread.join()
        raw_ended.acquire()


# --- from a real backend ----------------------------------------------------------------------


def test_a_busy_backend_reports(start: Start) -> None:
    host = start(BODY)
    assert host.call("add", [1]) == 2
    host.failure("fails")
    waiting = host.start("waits")
    host.event("waiting")
    running = host.start("sleeps")
    host.event("started")
    queued = host.start("add", [2])
    host.settle()
    told = host.call("$/ping")
    assert told == {"busy": True, "running": [running, waiting], "queued": 1}
    stats = host.call("$/stats")
    assert stats["pid"] == host.process.pid
    assert (stats["errors"], stats["queued"], stats["running"]) == (1, 1, 2)
    assert stats["calls"] == 4
    stack = host.call("$/stack")["threads"]
    assert stack[0]["thread"] == "main"
    assert stack[0]["frames"][-1].endswith(", in sleeps")
    helper = next(each for each in stack if each["thread"] == "bridgekit helper")
    assert helper["frames"][-1].endswith(", in stack")
    for call in (running, waiting):
        host.cancel(call)
        host.reply(call)
    assert host.reply(queued)["result"] == 3
