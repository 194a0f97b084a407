"""Header framing: ``Content-Length: N``, an empty line, N bytes; as in the Language Server Protocol.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#baseProtocol
``Content-Type`` is understood as far as its charset, which must be UTF-8. Names are read in any
case and lines may end in a bare newline. Whatever stands before a header that can be read is
dropped and reported, so printed text costs no frame; a length over the cap is skipped to its
end, one of more than twelve digits is taken for garbage.
"""

from __future__ import annotations

from bridgekit.errors import DecodeError
from bridgekit.wire.framing._parts import HEAD, Parts, stray, too_large, truncated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bridgekit.errors import ProtocolError
    from bridgekit.wire.framing._parts import Frame

__all__ = ["Framing"]

_NAME = b"content-length:"
_TYPE = b"content-type:"
_MOST = 4096
"""Bytes in which a header must end; what does not is garbage."""

_DIGITS = 12


class Framing:
    """Read and write frames behind a header."""

    def __init__(self, role: str, max_frame: int) -> None:
        self.max_frame = max_frame
        self._head = b""  # header bytes that wait for the rest of their header
        self._need = -1  # bytes of the frame that is arriving; -1: a header is awaited
        self._charset = ""
        self._body = Parts(max_frame)
        self._junk = Parts(HEAD)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes."""
        frames: list[Frame] = []
        at = 0
        if self._head and self._need < 0:
            data, self._head = self._head + data, b""
        while at < len(data):
            if self._need < 0:
                at = self._read_header(data, at, frames)
            else:
                at = self._read_body(data, at, frames)
        if self._need == 0:
            self._finish(frames)
        return frames

    def eof(self) -> ProtocolError | None:
        """Return what is wrong if the stream ended inside a frame, and forget that frame."""
        error: ProtocolError | None = None
        if self._need >= 0:
            error = truncated(self._body.size, self._body.head())
        elif _NAME in self._head.lower():
            error = truncated(len(self._head), self._head)
        else:
            self._junk.add(self._head)
            if self._junk.head().strip():
                error = stray(self._junk.head(), self._junk.size)
        self._head, self._need = b"", -1
        self._body.clear()
        self._junk.clear()
        return error

    def wrap(self, payload: bytes) -> bytes:
        """Return ``payload`` as one frame; raises FrameTooLarge."""
        if len(payload) > self.max_frame:
            raise too_large(len(payload), self.max_frame, b"")
        return b"Content-Length: %d\r\n\r\n%b" % (len(payload), payload)

    def _read_header(self, data: bytes, at: int, frames: list[Frame]) -> int:
        """Read one block up to its empty line; return where reading goes on."""
        if data[at] in b"\r\n":  # empty lines before it, skipped at once if there are many
            window = data[at : at + _MOST]
            return at + len(window) - len(window.lstrip(b"\r\n"))
        stop, after = _block_end(data, at)
        if stop < 0:
            if len(data) - at > _MOST:  # no header is so long: only the end of this can matter
                self._junk.add(data[at : at + _MOST // 2])
                return at + _MOST // 2
            self._head = data[at:]
            return len(data)
        block = data[at:stop]
        lower = block.lower()
        found = lower.rfind(_NAME)
        length = _number(block[found + len(_NAME) :]) if found >= 0 else -1
        if length < 0:
            self._junk.add(data[at:after])
            return after
        start = _header_start(lower, found)
        self._junk.add(block[:start])
        if self._junk.size:
            if self._junk.head().strip():
                frames.append(stray(self._junk.head(), self._junk.size))
            self._junk.clear()
        self._need = length
        self._charset = _charset(lower[start:])
        return after

    def _read_body(self, data: bytes, at: int, frames: list[Frame]) -> int:
        need, body = self._need, self._body
        if not body.size and at + need <= len(data) and need <= self.max_frame:
            self._deliver(data[at : at + need], frames)
            return at + need
        stop = min(len(data), at + need - body.size)
        body.add(data[at:stop])
        if body.size == need:
            self._finish(frames)
        return stop

    def _finish(self, frames: list[Frame]) -> None:
        body = self._body
        if self._need > self.max_frame:
            frames.append(too_large(self._need, self.max_frame, body.head()))
            body.clear()
            self._need = -1
        else:
            self._deliver(body.take(), frames)

    def _deliver(self, frame: bytes, frames: list[Frame]) -> None:
        self._need = -1
        if self._charset not in ("", "utf-8", "utf8"):
            why = f"the charset of a frame must be utf-8, not {self._charset[:40]!r}"
            frames.append(DecodeError(why, data=frame[:HEAD]))
        elif frame:
            frames.append(frame)


def _block_end(data: bytes, at: int) -> tuple[int, int]:
    """Return where the header block ends and where what follows begins; -1s if it goes on."""
    strict = data.find(b"\r\n\r\n", at, at + _MOST)
    bare = data.find(b"\n\n", at, strict if strict >= 0 else at + _MOST)
    if bare >= 0:
        return bare, bare + 2
    return (strict, strict + 4) if strict >= 0 else (-1, -1)


def _header_start(lower: bytes, found: int) -> int:
    """Return where the header begins whose ``Content-Length`` stands at ``found``."""
    line = lower.rfind(b"\n", 0, max(0, found - 1)) + 1
    return line if lower.startswith(_TYPE, line) and lower[found - 1 : found] == b"\n" else found


def _number(text: bytes) -> int:
    """Return the decimal number that begins ``text`` and is its line, or -1."""
    line = text.split(b"\n", 1)[0].strip()
    return int(line) if line.isdigit() and len(line) <= _DIGITS else -1


def _charset(lower: bytes) -> str:
    at = lower.find(_TYPE)
    if at < 0:
        return ""
    value = lower[at:].split(b"\n", 1)[0].strip()
    at = value.find(b"charset=")
    return value[at + 8 :].split(b";")[0].strip(b" \"'").decode("latin-1") if at >= 0 else ""
