"""What the framings share: the pieces of a frame that is still arriving, and their errors."""

from __future__ import annotations

from bridgekit.errors import DecodeError, FrameTooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Union

    from bridgekit.errors import ProtocolError
    from bridgekit.wire.framing._room import Room

    Frame = Union[bytes, memoryview, ProtocolError]

__all__ = ["HEAD", "Parts", "stray", "too_large", "truncated"]

HEAD = 4096
"""How many bytes of a frame that is not kept remain, for its id and for the error."""

LARGE = 1024 * 1024
"""Bytes of a frame from which it gets a room of its own."""

_SMALL = 4096
_BLOCK = 65536


class Parts:
    """The bytes of one unfinished frame, in memory close to their number.

    Large pieces are kept as they came, so that they are copied once, by the final join, or into
    a room of their own once they are many. Small ones are gathered first: a peer that sends byte
    by byte would else make an object of each. Bytes past ``limit`` are counted in ``size`` and
    dropped, all but the first few.
    """

    __slots__ = ("_limit", "_parts", "_room", "_roomy", "_small", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._small = bytearray()
        self._room: Optional[Room] = None
        self._roomy = True
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Append ``piece``."""
        before = self.size
        self.size = size = before + len(piece)
        if size > self._limit:
            head = self.head() if before <= self._limit else self._parts[0]
            if before <= self._limit or len(head) < HEAD:
                self._parts = [(head + piece[:HEAD])[:HEAD]]
                self._small = bytearray()
                self._room = None
            return
        if len(piece) < _SMALL:
            self._small += piece
            if len(self._small) < _BLOCK:
                return
            piece = b""
        self._spill()
        if self._room is not None:
            self._room.add(piece)
        elif piece:
            self._parts.append(piece)
            if size > LARGE and self._roomy:
                self._move_in()

    def head(self) -> bytes:
        """Return the first bytes, as many as an error needs."""
        if self._room is not None:
            return (bytes(self._room.view()[:HEAD]) + self._small)[:HEAD]
        first = self._parts[0] if self._parts else b""
        if len(first) < HEAD and len(first) < self.size:
            first = b"".join([*self._parts[:2], self._small])
        return first[:HEAD]

    def take(self) -> bytes:
        """Return the whole and start anew."""
        whole = self.take_view()
        return whole if type(whole) is bytes else bytes(whole)

    def take_view(self) -> Union[bytes, memoryview]:
        """As :meth:`take`; a large whole comes as a view of the only copy of its bytes."""
        self._spill()
        parts = self._parts
        whole: Union[bytes, memoryview]
        if self._room is not None:
            whole = self._room.view()
        else:
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
        self.clear()
        return whole

    def clear(self) -> None:
        """Start anew."""
        self._parts = []
        self._small = bytearray()
        self._room = None
        self.size = 0

    def _spill(self) -> None:
        if self._small:
            if self._room is not None:
                self._room.add(self._small)
            else:
                self._parts.append(bytes(self._small))
            self._small = bytearray()

    def _move_in(self) -> None:
        """It has become a large frame: go on in a room, if there is one to be had."""
        from bridgekit.wire.framing._room import open_room

        room = open_room(self._limit)
        if room is None:
            self._roomy = False
            return
        for part in self._parts:
            room.add(part)
        self._room, self._parts = room, []


def too_large(size: int, limit: int, head: bytes) -> FrameTooLarge:
    """Return the error for a frame of ``size`` bytes."""
    return FrameTooLarge(
        f"a frame of {size} bytes is over the limit of {limit} bytes; "
        "send less at a time, stream it, or raise max_frame",
        size=size,
        limit=limit,
        head=head,
    )


def truncated(size: int, head: bytes) -> DecodeError:
    """Return the error for a stream that ended inside a frame."""
    return DecodeError(
        f"the stream ended inside a frame, after {size} bytes of it: {head[:80]!r}",
        data=head,
        code="truncated",
    )


def stray(head: bytes, size: int) -> DecodeError:
    """Return the error for ``size`` bytes that stand where a frame should begin."""
    return DecodeError(
        f"{size} bytes that belong to no frame stand before one: {head[:80]!r}",
        data=head,
        code="stray_output",
    )
