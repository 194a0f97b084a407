"""Length framing: four bytes of length, most significant first, then as many bytes of frame.

A length at or under the cap is trusted. One over it that begins like text (a printable byte, tab
or line end, which no honest length below 150 MB has first) is text that was printed into the
wire: everything up to the next zero byte is dropped and reading goes on there, since text has no
zero byte and every length below 16 MiB begins with one. Any other length over the cap is honest:
the frame is skipped to its end. A length of zero is an empty frame and means nothing.
"""

from __future__ import annotations

from bridgekit.wire.framing._parts import HEAD, Parts, stray, too_large, truncated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bridgekit.errors import ProtocolError
    from bridgekit.wire.framing._parts import Frame

__all__ = ["Framing"]

_LARGEST = 0xFFFFFFFF
_TEXT = frozenset([0x09, 0x0A, 0x0D, *range(0x20, 0x100)])


class Framing:
    """Read and write frames behind their u32 length, big endian."""

    def __init__(self, role: str, max_frame: int) -> None:
        self.max_frame = min(max_frame, _LARGEST)
        self._prefix = b""
        self._need = 0  # bytes of the frame that is arriving; 0: a length is awaited
        self._body = Parts(self.max_frame)
        self._junk = Parts(HEAD)
        self._in_junk = False

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes."""
        frames: list[Frame] = []
        at, end = 0, len(data)
        while at < end:
            if self._in_junk:
                at = self._skip_text(data, at, frames)
            elif self._need:
                at = self._read_body(data, at, frames)
            else:
                at = self._read_length(data, at, frames)
        return frames

    def eof(self) -> ProtocolError | None:
        """Return what is wrong if the stream ended inside a frame, and forget that frame."""
        size, head = self._body.size + len(self._prefix), self._prefix or self._body.head()
        inside = bool(self._need or self._prefix)
        error: ProtocolError | None = truncated(size, head) if inside else None
        if self._in_junk:
            error = stray(self._junk.head(), self._junk.size)
        self._prefix, self._need, self._in_junk = b"", 0, False
        self._body.clear()
        self._junk.clear()
        return error

    def wrap(self, payload: bytes) -> bytes:
        """Return ``payload`` as one frame; raises FrameTooLarge."""
        if len(payload) > self.max_frame:
            raise too_large(len(payload), self.max_frame, b"")
        return len(payload).to_bytes(4, "big") + payload

    def _read_length(self, data: bytes, at: int, frames: list[Frame]) -> int:
        held = self._prefix
        prefix = held + data[at : at + 4 - len(held)]
        if len(prefix) < 4:
            self._prefix = prefix
            return len(data)
        self._prefix = b""
        need = int.from_bytes(prefix, "big")
        if need > self.max_frame and prefix[0] in _TEXT:
            self._in_junk = True
            self._prefix = held[self._skip_text(held, 0, frames) :]
            return at
        at += 4 - len(held)
        if need and need <= self.max_frame and at + need <= len(data):  # whole: nearly always
            frames.append(data[at : at + need])
            return at + need
        self._need = need
        return at

    def _read_body(self, data: bytes, at: int, frames: list[Frame]) -> int:
        body = self._body
        stop = min(len(data), at + self._need - body.size)
        body.add(data[at:stop])
        if body.size == self._need:
            if self._need > self.max_frame:
                frames.append(too_large(self._need, self.max_frame, body.head()))
                body.clear()
            else:
                frames.append(body.take())
            self._need = 0
        return stop

    def _skip_text(self, data: bytes, at: int, frames: list[Frame]) -> int:
        """Drop what was printed into the wire, up to the zero byte that begins a length."""
        stop = data.find(b"\0", at)
        self._junk.add(data[at : stop if stop >= 0 else len(data)])
        if stop < 0:
            return len(data)
        frames.append(stray(self._junk.head(), self._junk.size))
        self._junk.clear()
        self._in_junk = False
        return stop
