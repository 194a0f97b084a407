"""The pieces of an unfinished frame."""

from __future__ import annotations

import random

import pytest

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
