"""Null-byte framing: a frame ends at a NUL, which JSON text can never contain.

Towards the backend a newline ends a frame too, so that a host can simply write lines.
"""

from __future__ import annotations

from bridgekit.wire.framing._delimited import Delimited

__all__ = ["Framing"]


class Framing(Delimited):
    """Split on NUL (and, towards the backend, on newline)."""

    def __init__(self, role: str, max_frame: int) -> None:
        if role == "backend":
            super().__init__(max_frame, b"\0", also=b"\n")
        else:
            super().__init__(max_frame, b"\0", ours=b"\n")
