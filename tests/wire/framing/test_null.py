"""NUL ends a frame; towards the backend a newline does, too."""

from __future__ import annotations

from bridgekit.wire.framing.null import Framing
from tests.wire.ways import TOO_LARGE, TRUNCATED, frames_of


def host() -> Framing:
    return Framing("host", 100)


def backend() -> Framing:
    return Framing("backend", 100)


def test_a_host_writes_lines_and_a_backend_nul_ended_frames() -> None:
    assert host().wrap(b"{}") == b"{}\n"
    assert backend().wrap(b"{}") == b"{}\0"


def test_towards_the_backend_both_ends_count() -> None:
    assert frames_of(backend, b"a\nb\0c\r\n\0\n\n\0d\n") == [b"a", b"b", b"c\r", b"d"]


def test_towards_the_host_a_newline_is_text() -> None:
    assert frames_of(host, b"a\nb\0\0\0c\0") == [b"a\nb", b"c"]


def test_empty_frames_mean_nothing() -> None:
    assert frames_of(host, b"\0" * 50) == []
    assert frames_of(backend, b"\n\0" * 50) == []


def test_what_is_left_at_the_end() -> None:
    assert frames_of(host, b"a\0b") == [b"a", TRUNCATED]
    assert frames_of(host, b"a\0\n") == [b"a"], "a last newline is no frame"
    assert frames_of(host, b"x" * 101) == [TRUNCATED]
    assert frames_of(backend, b"x" * 101 + b"\nok\n") == [TOO_LARGE, b"ok"]


def test_a_chunk_of_nothing_but_ends() -> None:
    ends = b"\0\n" * 200_000
    assert backend().feed(ends + b"x" * 70 + b"\n") == [b"x" * 70]
    assert backend().feed(b"ab\n" * 100_000) == [b"ab"] * 100_000
