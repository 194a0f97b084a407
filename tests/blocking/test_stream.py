"""Streams without an event loop."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from bridgekit import BackendDied, CallTimeout, EncodeError, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.stream import Stream
from bridgekit.wire.messages import Event
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, plain
from tests.support.blocking import worker_of


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_items_come_in_order_and_the_result_after_them(menu: Backend, count: int) -> None:
    stream = menu.stream("rows", {"n": count})
    assert list(stream) == list(range(count))
    assert stream.result == "the end"
    assert list(stream) == []


def test_large_items(menu: Backend) -> None:
    assert [len(item) for item in menu.stream("rows", {"n": 8, "size": 700_000})] == [700_000] * 8


def test_a_failure_comes_after_the_items_before_it(menu: Backend) -> None:
    stream = menu.stream("rows_then_fail")
    assert next(stream) == 1
    assert next(stream) == 2
    with pytest.raises(RemoteError, match="no more rows"):
        next(stream)
    assert list(stream) == []


def test_leaving_early_closes_the_generator_in_the_backend(menu: Backend) -> None:
    closed: list[object] = []
    menu.on("rows.closed", closed.append)
    for item in menu.stream("rows", {"n": 100_000}):
        if item == 10:
            break
    gc.collect()
    until(lambda: closed)
    assert menu.call("add", [1, 1], timeout=DEADLINE) == 2
    with menu.stream("rows", {"n": 100_000}) as stream:
        assert next(stream) == 0
    until(lambda: len(closed) == 2)
    stream = menu.stream("rows", {"n": 100_000})
    assert next(stream) == 0
    stream.close()
    stream.close()
    until(lambda: len(closed) == 3)
    assert menu.status.in_flight == 0


def test_a_slow_item_times_out(menu: Backend) -> None:
    stream = menu.stream("slow_rows", item_timeout=0.1)
    assert next(stream) == "first"
    with pytest.raises(CallTimeout):
        next(stream)
    assert list(menu.stream("rows", {"n": 3})) == [0, 1, 2]


def test_a_whole_stream_times_out(menu: Backend) -> None:
    stream = menu.stream("slow_rows", timeout=0.3)
    assert next(stream) == "first"
    with pytest.raises(CallTimeout):
        list(stream)


def test_streams_and_calls_of_several_threads_share_the_wire(menu: Backend) -> None:
    streams = [Task(list, menu.stream("rows", {"n": 500})) for _ in range(4)]
    assert [menu.call("add", {"a": n}, timeout=DEADLINE) for n in range(100)] == list(range(100))
    assert all(stream.wait() == list(range(500)) for stream in streams)


def test_death_ends_a_stream(menu: Backend) -> None:
    stream = menu.stream("slow_rows")
    assert next(stream) == "first"
    waiting = Task(next, stream)
    worker_of(menu).child.kill()
    with pytest.raises(BackendDied):
        waiting.wait()


def test_events_of_a_stream_come_between_its_items(menu: Backend) -> None:
    seen: list[str] = []
    stream = menu.stream("work", {"steps": 2}, on_event=lambda event: seen.append(event.topic))
    assert list(stream) == []
    assert stream.result == 2
    assert seen.count("$/progress") == 2


class Late:
    """A wire that another thread reads: all the news come just before its lock is had."""

    def __init__(self) -> None:
        self.call: Any = None
        self.channel = self.lock = self
        self.told = False

    def __enter__(self) -> None:
        if self.call is not None and not self.told:
            self.told = True
            self.call.note(Event("$/progress", 1))
            self.call.note(Event("$/progress", 2))
            self.call.settle("the end")

    def __exit__(self, *exc: object) -> None: ...

    def start(self, call: object) -> None:
        self.call = call

    def acknowledge(self, call: object) -> None: ...
    def lodge(self) -> None: ...
    def leave_later(self) -> None: ...


def test_events_that_come_with_the_end_are_handed_out() -> None:
    seen: list[Any] = []
    late: Any = Late()
    stream: Stream[Any] = Stream(
        lambda *args: late, "rows", {}, None, None, lambda event: seen.append(event.data)
    )
    assert list(stream) == []
    assert seen == [1, 2]
    assert stream.result == "the end"


def test_a_list_of_a_plain_method_or_backend_is_a_stream_too(
    menu: Backend, manager: ProcessManager
) -> None:
    assert list(menu.stream("plain_list")) == [1, 2, 3]
    assert list(manager.spawn(plain("ready")).stream("rows", {"n": 3})) == [0, 1, 2]
    with pytest.raises(RemoteError):
        list(menu.stream("fail", {"message": "no"}))


def test_a_place_that_was_not_used_is_free_at_once_and_counts_for_nothing(menu: Backend) -> None:
    stream = menu.stream("rows", {"n": object()})
    with pytest.raises(EncodeError):
        next(stream)
    assert list(stream) == []
    assert menu.call_many("add", []) == []
    assert (menu.status.in_flight, menu.status.calls) == (0, 0)


def test_who_is_interrupted_after_it_was_made_leader_leads_no_more(
    menu: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(menu).channel
    with menu.stream("slow_rows") as stream:
        assert next(stream) == "first"
        until(lambda: channel.watched)

        def chosen(*_: object) -> None:
            channel.lead[0] = stream._call
            raise KeyboardInterrupt

        monkeypatch.setattr(channel.session, "watch", chosen)
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        monkeypatch.undo()
    assert not channel.lead
    assert menu.call("add", [1, 1], timeout=DEADLINE) == 2
    until(lambda: menu.status.in_flight == 0)


def test_a_close_that_is_interrupted_closes_all_the_same(
    menu: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(menu).channel
    rises = [KeyboardInterrupt()]
    give_up = channel.give_up

    def interrupted(*args: object) -> None:
        if rises:
            raise rises.pop()
        give_up(*args)

    stream = menu.stream("slow_rows")
    assert next(stream) == "first"
    monkeypatch.setattr(channel, "give_up", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    until(lambda: menu.status.in_flight == 0)
    assert menu.call("add", [1, 1], timeout=DEADLINE) == 2
