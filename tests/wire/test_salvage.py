"""The message behind text that was printed into its frame."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridgekit.errors import DecodeError
from bridgekit.wire.salvage import find_message

FRAME = b'{"id":1,"status":"success","result":{"id":2,"rows":[{"a":1},{"b":"{\\"c"}]}}'


def decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise DecodeError(str(error)) from None


@pytest.mark.parametrize(
    "text",
    [
        b"hello",
        b"hello\n",
        b"a line\nanother\n",
        b'{"debug": true}',
        b'{"debug": true}\n' * 50,
        b'{"debug": true}' * 6,
        b"{'python': 'dict'} " * 30,
        b"[1,2,3] {",
        b"\xff\xfe",
        b'"',
    ],
)
def test_found(text: bytes) -> None:
    assert find_message(text + FRAME, decode) == (text, json.loads(FRAME))
    assert find_message(text + FRAME + b" \n", decode) == (text, json.loads(FRAME))


@pytest.mark.parametrize(
    "frame", [b"hello", FRAME + b" and more", b"x[1,2]", b'x{"a":', b"", b"{", FRAME[:-1]]
)
def test_not_found(frame: bytes) -> None:
    assert find_message(frame, decode) is None


def test_the_search_is_bounded() -> None:
    work = 0

    def count(data: bytes) -> Any:
        nonlocal work
        work += len(data)
        raise DecodeError("no")

    frame = b"x" + b'{"' * 10_000 + b"x" * 100_000
    assert find_message(frame, count) is None
    assert 4 * len(frame) < work <= 8 * len(frame)
