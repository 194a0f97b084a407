"""How batches are sized and unpacked."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.errors import ProtocolError, RemoteError
from bridgekit.host.handshake import Peer
from bridgekit.host.many import BatchSizer, Parts, note_item, patience, unpack, values_of
from bridgekit.wire.messages import Event


def test_quick_small_calls_make_large_batches() -> None:
    sizer = BatchSizer()
    for _ in range(5):
        sizer.sent(sizer.size, sizer.size * 50)
        sizer.answered(sizer.size, 0.0001)
    assert sizer.size == 128


def test_slow_calls_go_one_at_a_time() -> None:
    sizer = BatchSizer()
    sizer.answered(8, 4.0)
    assert sizer.size == 1
    sizer.answered(1, 0.5)
    assert sizer.size == 1


def test_large_calls_make_small_batches() -> None:
    sizer = BatchSizer()
    sizer.sent(8, 8 * 1024 * 1024)
    assert sizer.size == 1
    sizer = BatchSizer()
    sizer.refused(9)
    assert sizer.size == 4
    sizer.refused(1)
    assert sizer.size == 1


def test_a_last_short_batch_does_not_grow_the_next() -> None:
    sizer = BatchSizer()
    sizer.answered(3, 0.0)
    assert sizer.size == 8


def test_parts_collect_outcomes_and_nothing_else() -> None:
    progress: list[int] = []
    parts = Parts(progress.append)
    parts(Event("$/part", {"first": 2, "results": [[1], [2]]}, 1))
    parts(Event("$/progress", {"results": [[3]]}, 1))
    parts(Event("$/part", None, 1))
    parts(Event("$/part", {"results": 3}, 1))
    parts(Event("$/part", {"first": 4, "results": [[3]]}, 1))
    assert parts.outcomes == [[1], [2], [3]]
    assert progress == [2, 3]


def test_outcomes_are_values_or_exceptions() -> None:
    failure = {"error": {"error": "no", "type": "ValueError"}}
    values = unpack([[1], failure, [None]], 3, "m", 8, "b")
    assert values[::2] == [1, None]
    assert isinstance(values[1], RemoteError)
    assert (values[1].call_id, values[1].type) == (9, "ValueError")


def test_who_runs_calls_in_turn_is_silent_for_one_call_only() -> None:
    in_turn = Peer(concurrent=frozenset(["soon"]))
    assert 30 < patience(30, 100, "add", in_turn) <= 31
    assert patience(30, 1, "add", in_turn) == patience(30, 0, "add", in_turn) == 30
    assert patience(0.001, 5, "add", in_turn) == pytest.approx(0.005)
    assert patience(30, 100, "soon", in_turn) == patience(30, 100, "add", Peer()) == 3000


def test_values_alone_are_taken_at_once() -> None:
    assert values_of([[1], [None], [[2]]], 3) == [1, None, [2]]
    for outcomes in ([[1]], [[1], []], [[1], [2, 3]], [[1], {"error": {}}], {"a": 1, "b": 2}):
        assert values_of(outcomes, 2) is None


@pytest.mark.parametrize(
    "outcomes",
    [None, {}, [], [[1]], [[1], [2], [3]], [[1], 2], [[1], {}], [[1], {"error": "x"}], [[1], []]],
)
def test_answers_that_are_no_outcomes(outcomes: Any) -> None:
    with pytest.raises(ProtocolError):
        unpack(outcomes, 2, "m", 8, "b")


def test_the_note_names_the_item() -> None:
    assert note_item(RemoteError("x"), 3, 9).__notes__ == [
        "This was item 3 (of 9, counted from 0) of call_many."
    ]
    assert not hasattr(note_item(ValueError("x"), 3, 9), "__notes__")
