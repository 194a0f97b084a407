"""A u32 of length, most significant byte first."""

from __future__ import annotations

import pytest

from bridgekit.wire.framing.length import Framing
from tests.wire.ways import STRAY, TOO_LARGE, TRUNCATED, frames_of


def host() -> Framing:
    return Framing("host", 1000)


OK = b"\0\0\0\x02{}"


def test_big_endian() -> None:
    assert host().wrap(b"{}") == OK
    assert Framing("host", 1 << 20).wrap(b"x" * 0x10203)[:4] == b"\0\1\2\3"
    assert frames_of(host, OK + b"\0\0\1\0" + b"y" * 256 + OK) == [b"{}", b"y" * 256, b"{}"]


def test_an_empty_frame_means_nothing() -> None:
    assert frames_of(host, b"\0\0\0\0" * 3 + OK + b"\0\0\0\0") == [b"{}"]


@pytest.mark.parametrize(
    "garbage",
    [b"h", b"hello", b"\n", b"\r\n", b"a line\nanother\n", b"\xc3\xa9t\xc3\xa9", b"x" * 9000],
)
def test_text_before_a_frame_costs_no_frame(garbage: bytes) -> None:
    assert frames_of(host, garbage + OK + OK) == [STRAY, b"{}", b"{}"]
    assert frames_of(host, OK + garbage + OK + garbage + OK) == [b"{}", STRAY, b"{}", STRAY, b"{}"]
    [error, _] = host().feed(garbage + OK)
    assert error.data == garbage[:4096]


def test_text_at_the_end() -> None:
    assert frames_of(host, OK + b"bye bye") == [b"{}", STRAY]


def test_an_honest_length_over_the_cap_is_skipped_to_its_end() -> None:
    assert frames_of(host, b"\0\0\x03\xe9" + b"\0" * 1001 + OK) == [TOO_LARGE, b"{}"]
    assert frames_of(host, b"\1\0\0\0" + b"\0" * 100) == [TRUNCATED]


def test_what_is_left_at_the_end() -> None:
    assert frames_of(host, OK + b"\0") == [b"{}", TRUNCATED]
    assert frames_of(host, OK + b"\0\0\0\x05abc") == [b"{}", TRUNCATED]
