"""Line framing: a frame is one line, ended by a newline (a carriage return before it is blank).

JSON text written without indentation contains no newline, so any tool that reads lines can
read such a wire.
"""

from __future__ import annotations

from bridgekit.wire.framing._delimited import Delimited

__all__ = ["Framing"]


class Framing(Delimited):
    """Split on newline, both ways."""

    def __init__(self, role: str, max_frame: int) -> None:
        super().__init__(max_frame, b"\n")
