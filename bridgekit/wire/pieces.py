"""A large frame that is written in pieces, because joining them would copy it once more.

It behaves like the bytes it stands for as far as an outbox needs: it has a length, a rest, and
what is next to be written from a place on.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Pieces"]


class Pieces:
    """The bytes of ``parts``, one after the other."""

    __slots__ = ("parts", "size")

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = tuple(filter(len, parts))
        self.size = sum(map(len, self.parts))

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)

    def __radd__(self, before: bytes) -> Pieces:
        return Pieces((before, *self.parts))

    def __getitem__(self, rest: slice) -> Pieces:
        """Return all from ``rest.start`` on."""
        return Pieces(self._from(rest.start))

    def at(self, place: int) -> memoryview:
        """Return what one write can take from ``place`` on; there must be something."""
        return self._from(place)[0]  # type: ignore[no-any-return]

    def _from(self, place: int) -> list[Any]:
        parts = list(self.parts)
        while parts and place >= len(parts[0]):
            place -= len(parts.pop(0))
        if parts:
            parts[0] = memoryview(parts[0])[place:]
        return parts
