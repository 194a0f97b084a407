"""The stderr tail: lines from any pieces, no torn characters, bounded memory."""

from __future__ import annotations

import pytest

from bridgekit.host.tail import LINE_LIMIT, TAIL_LIMIT, Tail

TEXT = "first\nzweite: äöü\r\n\n日本語 🎉\nlast without end"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_lines_come_out_whole_however_they_were_torn(size: int) -> None:
    data, tail, lines = TEXT.encode(), Tail(), []
    for start in range(0, len(data), size):
        lines += tail.feed(data[start : start + size])
    assert lines == ["first", "zweite: äöü", "", "日本語 🎉"]
    assert tail.close() == ["last without end"]
    assert tail.close() == []
    assert tail.text == TEXT.replace("\r\n", "\n")
    assert tail.total == len(data)


def test_invalid_bytes_are_shown_and_harm_nothing() -> None:
    tail = Tail()
    assert tail.feed(b"ok\n\xff\xfe bad\n") == ["ok", "\ufffd\ufffd bad"]


@pytest.mark.parametrize("extra", range(5))
def test_the_text_is_bounded_and_starts_at_a_character(extra: int) -> None:
    tail = Tail()
    data = ("é€🎉" * 5000).encode() + b"x" * extra
    for start in range(0, len(data), 777):
        tail.feed(data[start : start + 777])
    assert TAIL_LIMIT - 4 <= len(tail.text.encode()) <= TAIL_LIMIT
    assert "\ufffd" not in tail.text
    assert data.decode().endswith(tail.text)


def test_one_large_piece_keeps_only_its_end() -> None:
    tail = Tail(limit=10)
    tail.feed(b"a" * 1_000_000 + b"0123456789")
    assert tail.text == "0123456789"


def test_an_endless_line_is_delivered_in_pieces_without_tearing_characters() -> None:
    tail, pieces = Tail(), []
    text = "ab€" * LINE_LIMIT
    data = text.encode()
    for start in range(0, len(data), 10_000):
        pieces += tail.feed(data[start : start + 10_000])
    pieces += tail.close()
    assert len(pieces) > 3
    assert all(len(piece.encode()) <= LINE_LIMIT for piece in pieces)
    assert "".join(pieces) == text


def test_a_huge_line_in_one_piece_is_cut_too() -> None:
    tail = Tail()
    lines = tail.feed(b"x" * (3 * LINE_LIMIT) + b"\nnext\n")
    assert lines[-1] == "next"
    assert "".join(lines[:-1]) == "x" * (3 * LINE_LIMIT)
    assert max(map(len, lines)) == LINE_LIMIT


def test_a_flood_without_newlines_takes_bounded_memory() -> None:
    tail = Tail()
    for _ in range(1000):
        tail.feed(b"\x80" * 65536)
    assert len(tail.text) <= TAIL_LIMIT
