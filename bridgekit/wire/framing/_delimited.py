"""Framing by a byte that ends each frame: what ``null`` and ``line`` have in common."""

from __future__ import annotations

from bridgekit.wire.framing._parts import HEAD, Parts, too_large, truncated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bridgekit.errors import ProtocolError
    from bridgekit.wire.framing._parts import Frame

__all__ = ["Delimited"]

_MANY = 65536


class Delimited:
    """Split on ``end``, a byte, and on ``also``, which is taken for it where it stands."""

    salvages = True
    """What is printed into the wire stands before the next frame, as text of the same frame."""

    def __init__(self, max_frame: int, end: bytes, also: bytes = b"", ours: bytes = b"") -> None:
        self.max_frame = max_frame
        self.parts = Parts(max_frame)
        self.end = end
        self.also = also
        self.ours = ours or end
        """What ends the frames that this side sends."""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes, large ones as views; none is empty."""
        frames: list[Frame] = []
        if data.find(self.end) < 0 and (not self.also or data.find(self.also) < 0):
            if data:  # the middle of a large frame: looking is much quicker than splitting
                self.parts.add(data)
        elif len(data) <= _MANY:
            self._split(data, frames)
        else:  # a chunk of nothing but ends must not become a list of as many pieces
            step = len(data) if data.count(self.end) + self._count_also(data) < _MANY else _MANY
            for at in range(0, len(data), step):
                self._split(data[at : at + step], frames)
        return frames

    def eof(self) -> ProtocolError | None:
        """Return what is wrong if the stream ended inside a frame, and forget that frame."""
        size, head = self.parts.size, self.parts.head()
        self.parts.clear()
        return truncated(size, head) if head.strip() else None

    def wrap(self, payload: bytes) -> bytes:
        """Return ``payload`` as one frame; raises FrameTooLarge."""
        if len(payload) > self.max_frame:
            raise too_large(len(payload), self.max_frame, b"")
        return payload + self.ours

    def _count_also(self, data: bytes) -> int:
        return data.count(self.also) if self.also else 0

    def _split(self, data: bytes, frames: list[Frame]) -> None:
        if self.also and data.find(self.also) >= 0:
            data = data.replace(self.also, self.end)
        pieces = data.split(self.end)
        tail = pieces.pop()
        parts = self.parts
        if parts.size and pieces:
            parts.add(pieces[0])
            if parts.size > self.max_frame:
                frames.append(too_large(parts.size, self.max_frame, parts.head()))
                parts.clear()
            else:
                frames.append(parts.take_view())
            del pieces[0]
        for piece in pieces:
            if len(piece) > self.max_frame:
                frames.append(too_large(len(piece), self.max_frame, piece[:HEAD]))
            elif piece:
                frames.append(piece)
        if tail:
            parts.add(tail)
