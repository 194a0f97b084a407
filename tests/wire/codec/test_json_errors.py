"""Encoders tell a value they cannot take from an interrupt that comes while they work."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.errors import EncodeError
from bridgekit.wire.codec.json import Codec


@pytest.fixture(params=["orjson", "scanner"])
def codec(request: pytest.FixtureRequest) -> Codec:
    if request.param == "orjson":
        pytest.importorskip("orjson")
    return Codec("host", fast=request.param == "orjson")


class Raises:
    """An object whose own code fails, in a way of its own."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __fspath__(self) -> str:
        raise self.error


def test_whatever_an_object_raises_is_named(codec: Codec) -> None:
    for error in (KeyError("k"), OSError(5, "I/O"), LookupError("l"), ValueError("v")):
        with pytest.raises(EncodeError, match=type(error).__name__) as caught:
            codec.encode({"rows": [Raises(error)]}, "result")
        assert caught.value.place == "result.rows[0]"


def test_what_a_signal_handler_raises_is_no_matter_of_the_value(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Any:
        raise TimeoutError("alarm")

    monkeypatch.setattr(codec, "_dumps" if codec._dumps else "_iterencode", interrupted)
    with pytest.raises(TimeoutError, match="alarm"):
        codec.encode({"a": 1})
