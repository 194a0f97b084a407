"""What a backend last said on stderr: whole lines as they come, and a bounded end for errors.

Bytes arrive in arbitrary pieces, a multibyte character may be torn between two of them, and a
backend may write gigabytes without a newline; memory stays bounded and no text is mangled.
"""

from __future__ import annotations

from bridgekit.host.redaction import hide_end

__all__ = ["LINE_LIMIT", "TAIL_LIMIT", "Tail"]

TAIL_LIMIT = 8 * 1024
"""Bytes of stderr kept for error messages."""

LINE_LIMIT = 64 * 1024
"""A line longer than this is delivered in pieces."""


class Tail:
    """Splits a stream of bytes into lines and remembers its end.

    Call :meth:`feed` with what was read and use the lines it returns; call :meth:`close` at the
    end of the stream for a last line without a newline; :attr:`text` is readable at any time.
    """

    __slots__ = ("_end", "_limit", "_partial", "total")

    def __init__(self, limit: int = TAIL_LIMIT) -> None:
        self._limit = limit
        self._end = bytearray()
        self._partial = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> list[str]:
        """Take more bytes; return the lines that they complete, without their line ends."""
        self.total += len(data)
        self._remember(data)
        if b"\n" not in data and len(self._partial) + len(data) < LINE_LIMIT:
            self._partial += data
            return []
        lines: list[str] = []
        pieces = (bytes(self._partial) + data).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            lines.extend(_decode_pieces(piece))
        while len(rest) >= LINE_LIMIT:
            cut = _character_start(rest, LINE_LIMIT)
            lines.append(_decode(rest[:cut]))
            rest = rest[cut:]
        self._partial = bytearray(rest)
        return lines

    def close(self) -> list[str]:
        """Return the last line if the stream ended without a newline."""
        rest = bytes(self._partial)
        self._partial.clear()
        return _decode_pieces(rest) if rest else []

    @property
    def text(self) -> str:
        """The last of the stream, at most ``limit`` bytes of it, starting at a character.

        Secrets are left out (:mod:`bridgekit.host.redaction`).
        """
        # Hidden before it is cut, or half a secret could be left at the beginning.
        end = hide_end(self._end.decode("latin-1"), self._limit).encode("latin-1")
        if self.total > len(end):
            start = 0
            while start < min(3, len(end)) and end[start] & 0xC0 == 0x80:
                start += 1
            end = end[start:]
        return end.decode("utf-8", "replace").replace("\r\n", "\n")

    def _remember(self, data: bytes) -> None:
        if len(data) >= 4 * self._limit:
            self._end = bytearray(data[-2 * self._limit :])
            return
        self._end += data
        if len(self._end) > 4 * self._limit:
            del self._end[: -2 * self._limit]


def _decode(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


def _decode_pieces(line: bytes) -> list[str]:
    if len(line) < LINE_LIMIT:
        return [_decode(line)]
    pieces = []
    while len(line) >= LINE_LIMIT:
        cut = _character_start(line, LINE_LIMIT)
        pieces.append(_decode(line[:cut]))
        line = line[cut:]
    if line:
        pieces.append(_decode(line))
    return pieces


def _character_start(data: bytes, at: int) -> int:
    """The last place at or before ``at`` where a character begins (``at`` if there is none)."""
    for place in range(at, max(at - 4, 0), -1):
        if place >= len(data) or data[place] & 0xC0 != 0x80:
            return place
    return at
