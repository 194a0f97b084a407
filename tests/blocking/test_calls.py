"""What threads wait for: hooks that may run twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bridgekit import RemoteError
from bridgekit.blocking.calls import Call, EventfulCall, Items, finish, release
from bridgekit.wire.messages import Event


def sleeping(call: Any) -> Any:
    call.waiter = threading.Lock()
    call.waiter.acquire()
    return call


@pytest.mark.parametrize("times", [1, 2])
def test_a_settled_call_wakes_its_thread_however_often(times: int) -> None:
    call = sleeping(Call("add", None, 5.0))
    for _ in range(times):
        call.settle(3)
    assert call.done
    assert call.waiter.acquire(blocking=False)
    assert finish(call) == 3


def test_a_failed_call_raises_its_error_and_keeps_no_cycle() -> None:
    call = sleeping(Call("add", None, 5.0))
    call.fail(RemoteError("no"))
    call.fail(RemoteError("no"))
    with pytest.raises(RemoteError):
        finish(call)
    assert call.error is None


def test_nobody_to_wake() -> None:
    call = Call("add", None, 5.0)
    release(call)
    call.settle(1)
    assert finish(call) == 1


def test_progress_wakes_too_and_is_bounded() -> None:
    call = EventfulCall("work", None, 5.0)
    for number in range(20_000):
        call._on_event(Event("$/progress", number))
    assert call.done
    assert not call.ended
    assert len(call.events) == 10_000
    assert call.events[-1].data == 19_999
    call.settle(None)
    assert call.ended
    failed = EventfulCall("work", None, 5.0)
    failed.fail(RemoteError("no"))
    assert failed.ended


def test_an_item_that_is_handed_out_again_is_taken_once() -> None:
    items = sleeping(Items("rows", None, None))
    items.add({"seq": 1, "value": "a"})
    items.add({"seq": 1, "value": "a"})
    items.add({"seq": 2, "value": "b"})
    assert [items.take(), items.take(), items.take()] == [("a",), ("b",), None]
    items.note(Event("$/log", "x"))
    assert items.done
    assert items.waiter.acquire(blocking=False)
