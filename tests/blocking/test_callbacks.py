"""Handlers in a thread of their own."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.blocking.callbacks import Callbacks
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE


def attached() -> tuple[Callbacks, Any]:
    callbacks, channel = Callbacks("test"), SimpleNamespace(congested=False, relieve=None)
    callbacks.attach(channel)
    return callbacks, channel


def test_handlers_run_in_order_in_one_other_thread() -> None:
    callbacks, _ = attached()
    seen: list[tuple[int, int]] = []
    for number in range(1000):
        callbacks.put(lambda event: seen.append((event, threading.get_ident())), number, 1)
    callbacks.finish()
    callbacks.join()
    assert [number for number, _ in seen] == list(range(1000))
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


def test_the_thread_ends_when_there_is_nothing_to_do_and_comes_back(monkeypatch) -> None:
    monkeypatch.setattr("bridgekit.blocking.callbacks._LINGER", 0.01)
    callbacks, _ = attached()
    seen: list[int] = []
    for number in range(3):
        callbacks.put(seen.append, number, 1)
        until(lambda: callbacks._thread is None)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_handler_that_raises_stops_no_other(caplog, kind: type[BaseException]) -> None:
    callbacks, _ = attached()
    seen: list[int] = []

    def handler(event: int) -> None:
        if event == 1:
            raise kind("one is bad")
        seen.append(event)

    for number in range(3):
        callbacks.put(handler, number, 1)
    until(lambda: len(seen) == 2)
    assert "one is bad" in caplog.text
    callbacks.finish()
    callbacks.join()


def test_the_reader_waits_for_handlers_that_make_progress() -> None:
    callbacks, channel = attached()
    for number in range(3000):
        callbacks.put(lambda _: time.sleep(0), number, 1)
    assert channel.congested
    channel.relieve()
    assert len(callbacks._queue) <= 1000
    assert callbacks.dropped == 0
    callbacks.finish()
    callbacks.join()


def test_hanging_handlers_cost_the_oldest_events_and_little_time() -> None:
    callbacks, channel = attached()
    gate, seen = threading.Event(), []

    def handler(event: int) -> None:
        gate.wait(DEADLINE)
        seen.append(event)

    for number in range(30_000):
        callbacks.put(handler, number, 1)
        if channel.congested:
            channel.relieve()
    assert 19_990 <= len(callbacks._queue) <= 20_000
    assert callbacks.dropped >= 9_999
    gate.set()
    callbacks.finish()
    callbacks.join(DEADLINE)
    assert seen[-1] == 29_999
    assert len(seen) + callbacks.dropped == 30_000


def test_bytes_are_bounded_too() -> None:
    callbacks, _ = attached()
    gate = threading.Event()
    for _ in range(100):
        callbacks.put(lambda _: gate.wait(DEADLINE), "large", 1_000_000)
    assert len(callbacks._queue) <= 3
    gate.set()
    callbacks.finish()
    callbacks.join()


def test_a_handler_may_relieve_and_join_without_waiting_for_itself() -> None:
    callbacks, channel = attached()
    done = threading.Event()

    def handler(_: object) -> None:
        channel.relieve()
        callbacks.join()
        done.set()

    callbacks.put(handler, None, 1)
    assert done.wait(DEADLINE)
    callbacks.finish()
    callbacks.join()


def test_after_the_end_nothing_starts() -> None:
    callbacks, _ = attached()
    callbacks.finish()
    callbacks.put(lambda _: None, 1, 1)
    assert callbacks._thread is None
    callbacks.disown()
    Task(callbacks.join).wait()
