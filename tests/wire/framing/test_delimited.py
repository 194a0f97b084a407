"""What ``null`` and ``line`` have in common, where neither shows it."""

from __future__ import annotations

from bridgekit.wire.framing._delimited import Delimited
from tests.wire.ways import TOO_LARGE, plainly


def test_another_end_and_another_of_ours() -> None:
    framing = Delimited(10, b";", also=b"|", ours=b"!")
    assert framing.feed(b"a;b|c") == [b"a", b"b"]
    assert framing.parts.size == 1
    assert framing.feed(b"d;") == [b"cd"]
    assert framing.wrap(b"x") == b"x!"


def test_large_chunks_are_cut_only_where_that_saves_memory() -> None:
    framing = Delimited(1 << 20, b";")
    big = b"x" * (1 << 18)
    assert framing.feed(big + b";" + big + b";") == [big, big]
    assert framing.feed(b";" * (1 << 18)) == []
    assert [plainly(f) for f in Delimited(4, b";").feed(b"12345;1234;")] == [TOO_LARGE, b"1234"]
