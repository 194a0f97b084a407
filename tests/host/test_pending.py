"""Calls in flight, without a session around them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridgekit.errors import ProtocolError
from bridgekit.host.pending import WINDOW, AwaitedCall, StreamCall


class Items(StreamCall):
    __slots__ = ("woken",)
    woken: int

    def wake(self) -> None:
        self.woken += 1


def items() -> Items:
    call = Items("rows")
    call.woken = 0
    return call


def test_items_are_taken_in_order_and_counted() -> None:
    call = items()
    call.add({"seq": 1, "value": "a"})
    call.add({"seq": 2})
    assert (call.take(), call.take(), call.take()) == (("a",), (None,), None)
    assert (call.seq, call.total, call.unacked, call.woken) == (2, 2, 2, 2)


def test_a_list_is_only_a_stream_when_nothing_came_before_it() -> None:
    call = items()
    call.add({"seq": 1, "value": "a"})
    call.settle([1, 2])
    assert (call.take(), call.take()) == (("a",), None)
    assert (call.ended, call.result) == (True, [1, 2])


def test_items_wait_until_they_are_taken_even_after_a_failure() -> None:
    call = items()
    call.add({"seq": 1, "value": "a"})
    call.fail(ValueError("later"))
    assert call.take() == ("a",)
    assert isinstance(call.error, ValueError)


@pytest.mark.parametrize("data", [None, 3, {}, {"seq": None}, {"value": 1}])
def test_bad_items_are_refused(data: Any) -> None:
    with pytest.raises(ProtocolError, match="number"):
        items().add(data)


def test_the_window_is_enforced() -> None:
    call = items()
    for seq in range(2 * WINDOW):
        call.add({"seq": seq})
    with pytest.raises(ProtocolError, match="window"):
        call.add({"seq": 0})


def test_the_hooks_are_left_to_subclasses() -> None:
    with pytest.raises(NotImplementedError):
        StreamCall("rows").wake()
    with pytest.raises(NotImplementedError):
        AwaitedCall("add").__await__()


def test_an_error_is_handed_out_once_and_let_go() -> None:
    call = AwaitedCall("add")
    call.error = asyncio.CancelledError()
    assert isinstance(call.take_error(), asyncio.CancelledError)
    assert call.error is None
