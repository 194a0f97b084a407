"""The pieces of an unfinished frame."""

from __future__ import annotations

import random

import pytest

from bridgekit.wire.framing import _parts, _room
from bridgekit.wire.framing._parts import HEAD, Parts, stray, too_large, truncated


@pytest.mark.parametrize("sizes", [(1, 3), (1, 9000), (4000, 5000), (60_000, 70_000)])
def test_the_whole_is_what_was_added(sizes: tuple[int, int]) -> None:
    chance = random.Random(5)
    parts = Parts(1 << 30)
    expected = b""
    for _ in range(60):
        piece = chance.randbytes(chance.randint(*sizes))
        expected += piece
        parts.add(piece)
        assert parts.size == len(expected)
        assert parts.head() == expected[:HEAD]
    assert parts.take() == expected
    assert (parts.size, parts.head(), parts.take()) == (0, b"", b"")


@pytest.mark.parametrize("sizes", [(1, 9000), (4000, 5000)])
@pytest.mark.parametrize("roomy", [True, False])
def test_a_large_whole_is_a_view_of_the_one_room_it_came_in(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int], roomy: bool
) -> None:
    monkeypatch.setattr(_parts, "LARGE", 8000)
    if not roomy:
        monkeypatch.setattr(_room, "open_room", lambda limit: None)
    chance = random.Random(7)
    for taking in (Parts.take, Parts.take_view):
        parts = Parts(1 << 20)
        expected = b""
        for _ in range(60):
            piece = chance.randbytes(chance.randint(*sizes))
            expected += piece
            parts.add(piece)
            assert parts.size == len(expected)
            assert parts.head() == expected[:HEAD]
        whole = taking(parts)
        assert type(whole) is (memoryview if roomy and taking is Parts.take_view else bytes)
        assert whole == expected
        assert (parts.size, parts.head(), parts.take_view()) == (0, b"", b"")
        parts.add(b"the next")
        assert parts.take_view() == b"the next"


def test_a_room_is_left_when_the_frame_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_parts, "LARGE", 5000)
    parts = Parts(10_000)
    data = random.Random(1).randbytes(20_000)
    for at in range(0, len(data), 5000):
        parts.add(data[at : at + 5000])
    assert (parts.size, parts.head()) == (20_000, data[:HEAD])
    parts.clear()
    parts.add(data[:6000])
    assert parts.take() == data[:6000]


def test_past_the_limit_only_the_first_bytes_stay() -> None:
    for step in (1, 100, 5000, 20_000):
        parts = Parts(10_000)
        data = random.Random(step).randbytes(20_000)
        for at in range(0, len(data), step):
            parts.add(data[at : at + step])
        assert parts.size == 20_000
        assert parts.head() == data[:HEAD]
        parts.clear()
        parts.add(b"new")
        assert parts.take() == b"new"


def test_the_errors_say_what_happened() -> None:
    error = too_large(11, 10, b"head")
    assert (error.size, error.limit, error.head, error.code) == (11, 10, b"head", "frame_too_large")
    assert "11 bytes" in str(error) and "limit of 10" in str(error)
    assert truncated(3, b"abc").code == "truncated" and "'abc'" in str(truncated(3, b"abc"))
    assert stray(b"abc", 3).data == b"abc" and "3 bytes" in str(stray(b"abc", 3))
