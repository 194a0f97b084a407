"""As tests/host/test_circles.py, under threads."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridgekit import CallTimeout, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from tests.support.tidy import CALLS, SCRIPT, TIMES


def _fail(backend: Backend) -> None:
    with pytest.raises(RemoteError):
        backend.call("fail")


def _stream(backend: Backend) -> None:
    assert list(backend.stream("rows", {"count": 3})) == [0, 1, 2]


def _stream_left_early(backend: Backend) -> None:
    with backend.stream("async_rows", {"count": 3}) as rows:
        next(rows)


def _events(backend: Backend) -> None:
    with backend.events("tick") as queue:
        backend.call("fire", {"count": 30})
        assert [next(queue).data["n"] for _ in range(30)] == list(range(30))


def _timeout(backend: Backend) -> None:
    with contextlib.suppress(CallTimeout):  # it may have been quick enough
        backend.call("add", {"a": 1}, timeout=0)


def _queue(backend: Backend) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda number: backend.call("add", {"a": number}), range(3)))


WAYS: dict[str, Callable[[Backend], object]] = {
    **CALLS,
    "error": _fail,
    "stream": _stream,
    "stream left early": _stream_left_early,
    "events": _events,
    "timeout": _timeout,
    "queue": _queue,
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_to_the_garbage_collector(manager: ProcessManager, way: str) -> None:
    manager.expose("twice", lambda value: 2 * value)
    backend = manager.spawn(SCRIPT)
    for _ in range(TIMES):
        WAYS[way](backend)
    backend.call("begin")
    gc.collect()
    gc.disable()
    try:
        for _ in range(TIMES):
            WAYS[way](backend)
        theirs = backend.call("end")
        ours = gc.collect()
    finally:
        gc.enable()
    assert theirs < TIMES
    assert ours < TIMES
