"""Any text for the JSON codec: every implementation must say the same."""

from __future__ import annotations

from typing import Any

from bridgekit.errors import DecodeError, EncodeError
from bridgekit.wire.codec.json import Codec

FAST, PLAIN = Codec(fast=True, max_depth=16), Codec(fast=False, max_depth=16)


def one_input(data: bytes) -> None:
    """Decode, and encode again what came of it."""
    value = outcome(FAST, data)
    assert repr(value) == repr(outcome(PLAIN, data))
    assert repr(FAST.fish_id(data)) == repr(PLAIN.fish_id(data))
    if isinstance(value, list):
        texts = [encoded(codec, value[0]) for codec in (FAST, PLAIN)]
        assert repr(texts[0]) == repr(texts[1])


def outcome(codec: Codec, data: bytes) -> Any:
    """The value in a list, or the reason for which there is none."""
    try:
        return [codec.decode(data)]
    except DecodeError as error:
        return error.code, str(error)


def encoded(codec: Codec, value: Any) -> Any:
    """What the text of a value means, or the place that cannot be sent."""
    try:
        text = codec.encode(value)
    except EncodeError as error:  # infinity, from 1e999
        return error.place
    assert text.isascii()
    return PLAIN.decode(text)
