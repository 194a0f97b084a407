"""The native vocabulary in length-prefixed MessagePack, where bytes stay bytes."""

from __future__ import annotations

from bridgekit.wire.dialect._vocabulary import Vocabulary

__all__ = ["CODEC", "FRAMING", "Dialect"]

FRAMING = "length"
CODEC = "msgpack"


class Dialect(Vocabulary):
    """The native vocabulary as one side speaks and hears it."""
