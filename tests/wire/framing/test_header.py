"""``Content-Length`` headers, as the Language Server Protocol has them."""

from __future__ import annotations

import pytest

from bridgekit.errors import DecodeError
from bridgekit.wire.framing.header import Framing
from tests.wire.ways import STRAY, TOO_LARGE, TRUNCATED, UNREADABLE, frames_of


def host() -> Framing:
    return Framing("host", 5000)


OK = b"Content-Length: 2\r\n\r\n{}"


def test_a_header_and_as_many_bytes() -> None:
    assert host().wrap(b"{}") == OK
    assert frames_of(host, OK + b"Content-Length: 5\r\n\r\na\r\n\r\n" + OK) == [
        b"{}",
        b"a\r\n\r\n",
        b"{}",
    ]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length:2\r\n\r\n",
        b"CONTENT-LENGTH:   2  \r\n\r\n",
        b"Content-Length: 2\n\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: 2\r\n\r\n",
        b'Content-Length: 2\r\nContent-Type: x; charset="UTF-8"; a=b\r\n\r\n',
        b"Content-Length: 2\r\nContent-Type: application/json\r\n\r\n",
        b"Content-Length: 2\r\nX-Other: 1\r\n\r\n",
        b"\r\n\r\nContent-Length: 002\r\n\r\n",
    ],
)
def test_headers_that_mean_the_same(header: bytes) -> None:
    assert frames_of(host, OK + header + b"[]" + OK) == [b"{}", b"[]", b"{}"]


def test_another_charset_is_refused_and_the_frame_skipped() -> None:
    odd = b"Content-Length: 2\r\nContent-Type: a; charset=utf-16\r\n\r\n[]"
    assert frames_of(host, odd + OK) == [UNREADABLE, b"{}"]
    [error] = host().feed(odd)
    assert isinstance(error, DecodeError) and "utf-16" in str(error) and error.data == b"[]"


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello",
        b"hello\n",
        b"hello\r\n\r\n",
        b"a\n\nb\n\nc\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: \r\n\r\n",
        b"Content-Length: 1234567890123\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Content-Length: 2\r\nContent-",
        b"X-Header: 1\r\n",
        b"\xff\xfe" * 300,
        b"line\n" * 5000,
        b"x" * 20_000,
    ],
    ids=lambda garbage: garbage[:24].decode("latin-1").encode("unicode_escape").decode(),
)
def test_garbage_before_a_header_costs_no_frame(garbage: bytes) -> None:
    assert frames_of(host, OK + garbage + OK + OK) == [b"{}", STRAY, b"{}", b"{}"]


def test_the_garbage_is_told() -> None:
    framing = host()
    [error, frame] = framing.feed(b"Traceback (most recent call last)\n" + OK)
    assert error.data == b"Traceback (most recent call last)\n" and frame == b"{}"


def test_only_blank_lines_are_no_garbage() -> None:
    assert frames_of(host, b"\r\n \r\n\r\n" + OK + b"\r\n\r\n" + OK + b"\r\n") == [b"{}", b"{}"]


def test_lengths_at_the_edge() -> None:
    assert frames_of(host, b"Content-Length: 0\r\n\r\n" + OK) == [b"{}"]
    assert frames_of(host, b"Content-Length: 0\r\n\r\n") == []
    data = (
        b"Content-Length: 5000\r\n\r\n"
        + b"x" * 5000
        + b"Content-Length: 5001\r\n\r\n"
        + b"x" * 5001
    )
    assert frames_of(host, data + OK) == [b"x" * 5000, TOO_LARGE, b"{}"]


def test_what_is_left_at_the_end() -> None:
    assert frames_of(host, OK + b"Content-Length: 3\r\n\r\n{}") == [b"{}", TRUNCATED]
    assert frames_of(host, OK + b"Content-Length: 3\r\n") == [b"{}", TRUNCATED]
    assert frames_of(host, OK + b"bye") == [b"{}", STRAY]
