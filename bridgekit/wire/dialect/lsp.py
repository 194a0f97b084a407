"""JSON-RPC 2.0 behind ``Content-Length`` headers, as language servers and their clients speak."""

from __future__ import annotations

from bridgekit.wire.dialect.jsonrpc import CODEC, Dialect

__all__ = ["CODEC", "FRAMING", "Dialect"]

FRAMING = "header"
