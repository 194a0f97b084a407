"""Events, output, and calls from the backend, through the handle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from bridgekit import (
    EncodeError,
    MethodNotFound,
    ProcessManager,
    RemoteError,
)
from bridgekit.host.handle import Backend
from tests.host.support import MENU, until


@pytest.fixture
async def menu(anyio_backend: str) -> AsyncIterator[Backend]:
    async with ProcessManager(stop_grace=2.0) as manager:
        yield await manager.spawn(MENU)


async def test_events_reach_handlers_by_topic(menu: Backend) -> None:
    seen: list[tuple[str, Any]] = []
    exact: list[int] = []
    menu.on("train.*", lambda event: seen.append((event.topic, event.data["n"])))
    undo = menu.on("train.loss", lambda event: exact.append(event.data["n"]))
    await menu.call("fire", {"topic": "train.loss", "count": 2})
    undo()
    await menu.call("fire", {"topic": "train.done", "count": 1})
    await menu.call("fire", {"topic": "train.loss", "count": 1})
    await menu.call("fire", {"topic": "other", "count": 1})
    assert seen == [("train.loss", 0), ("train.loss", 1), ("train.done", 0), ("train.loss", 0)]
    assert exact == [0, 1]


async def test_a_handler_that_raises_is_logged_and_stops_nothing(
    menu: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    menu.on("tick", lambda event: event.data["missing"])
    seen: list[int] = []
    menu.on("tick", lambda event: seen.append(event.data["n"]))
    await menu.call("fire", {"topic": "tick", "count": 3})
    assert seen == [0, 1, 2]
    assert "handler of event 'tick' raised" in caplog.text


async def test_an_async_handler_runs_in_order_in_its_own_task(menu: Backend) -> None:
    seen: list[int] = []

    async def handler(event: Any) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(event.data["n"])
        if event.data["n"] == 1:
            raise ValueError("logged")

    menu.on("tick", handler)
    await menu.call("fire", {"topic": "tick", "count": 5})
    await until(lambda: len(seen) == 5)
    assert seen == [0, 1, 2, 3, 4]


async def test_an_event_queue_ends_with_its_backend(menu: Backend) -> None:
    async with menu.events("tick") as queue:
        await menu.call("fire", {"topic": "tick", "count": 3})
        await menu.terminate()
        assert [event.data["n"] async for event in queue] == [0, 1, 2]


async def test_a_stalled_consumer_costs_bounded_memory_and_no_call(menu: Backend) -> None:
    async with menu.events("tick", max_events=10) as queue:
        await menu.call("fire", {"topic": "tick", "count": 500, "size": 1000})
        assert len(queue) == 10
        assert menu.status.dropped_events == queue.dropped == 490
        assert await menu.call("add", [1, 1]) == 2
        assert (await queue.__anext__()).data["n"] == 490
    async with menu.events("tick", max_events=10, drop="newest") as queue:
        await menu.call("fire", {"topic": "tick", "count": 30})
        assert (await queue.__anext__()).data["n"] == 0
    assert menu.status.dropped_events == 510


async def test_progress_output_and_logs_belong_to_their_call(
    menu: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridgekit.backend.menu")
    events: list[Any] = []
    elsewhere: list[Any] = []
    menu.on("*", elsewhere.append)
    assert await menu.call("work", {"steps": 3}, on_event=events.append) == 3
    progress = [event.data["progress"] for event in events if event.topic == "$/progress"]
    assert progress == pytest.approx([1 / 3, 2 / 3, 1])
    text = "".join(event.data["text"] for event in events if event.topic == "$/output")
    assert text == "printed 0\nprinted 1\nprinted 2\n"
    assert [event.topic for event in events].count("$/log") == 3
    assert elsewhere == []
    lines = [record.getMessage() for record in caplog.records]
    assert "printed 1" in lines
    assert ("bridgekit.backend.menu", 30, "logged 2") in caplog.record_tuples


async def test_stderr_is_an_event_at_once_and_a_record_by_lines(
    menu: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bridgekit.backend.menu")
    text: list[str] = []
    menu.on("$/output", lambda event: text.append(event.data["text"]))
    await menu.call("whisper", {"text": "no newline yet"})
    await until(lambda: "".join(text) == "no newline yet")
    assert "no newline" not in caplog.text
    await menu.call("whisper", {"text": ", now\n"})
    await until(lambda: "no newline yet, now" in caplog.text)


async def test_the_backend_calls_functions_of_the_host(menu: Backend) -> None:
    async def later(a: int) -> int:
        await anyio.lowlevel.checkpoint()
        return a * 2

    def wrong() -> None:
        raise LookupError("not here")

    menu.expose("double", later)
    undo = menu.expose("plus", lambda a, b: a + b)
    menu.expose("wrong", wrong)
    menu.expose("unsendable", object)
    ask = "ask_host"
    assert await menu.call(ask, {"name": "double", "params": {"a": 4}}) == 8
    assert await menu.call(ask, {"name": "plus", "params": {"a": 4, "b": 1}}) == 5
    with pytest.raises(RemoteError, match="not here"):
        await menu.call(ask, {"name": "wrong", "params": {}})
    with pytest.raises((RemoteError, EncodeError)):
        await menu.call(ask, {"name": "unsendable", "params": {}})
    undo()
    with pytest.raises((RemoteError, MethodNotFound), match="plus"):
        await menu.call(ask, {"name": "plus", "params": {}})
    with pytest.raises(ValueError, match="already"):
        menu.expose("double", later)
