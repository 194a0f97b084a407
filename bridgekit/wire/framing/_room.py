"""Memory for one large frame that is still arriving.

Joining the pieces of ten megabytes touches twenty fresh ones, and the first touch of a page costs
more than copying it. A room is a mapping as large as the frame may become: what is not touched
costs nothing, each piece is copied once, while it is still in the processor's cache, and where
the system has huge pages it is asked for them. The view that comes out owns the memory.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = ["Room", "open_room"]

_MOST = 64 * 1024 * 1024
"""Bytes for which room is made at first; frames that may be larger are moved when they are."""


class Room:
    """Bytes that are appended to; use :func:`open_room`."""

    __slots__ = ("_limit", "_make", "_room", "size")

    def __init__(self, limit: int, make: Any) -> None:
        self._limit = limit
        self._make = make
        self._room = make(min(limit, _MOST))
        self.size = 0

    def add(self, piece: Any) -> None:
        """Append ``piece``; there must be no more bytes than the limit in all."""
        at, end = self.size, self.size + len(piece)
        if end > len(self._room):
            larger = self._make(min(self._limit, 2 * end))
            larger[:at] = memoryview(self._room)[:at]
            self._room = larger
        self._room[at:end] = piece
        self.size = end

    def view(self) -> memoryview:
        """Return what was added; add no more."""
        return memoryview(self._room).toreadonly()[: self.size]


def open_room(limit: int) -> Optional[Room]:
    """Return a room for at most ``limit`` bytes, or None where there is no such thing."""
    make = _find_map()
    try:
        return None if make is None else Room(limit, make)
    except (OSError, ValueError, OverflowError):  # the process may not have so much address space
        return None


def _find_map() -> Any:
    if sys.platform == "win32":  # where a mapping is paid for whether it is touched or not
        return None
    try:
        import mmap as module
    except ImportError:
        return None
    names: Any = module  # of which each system has its own
    kind = names.MAP_PRIVATE | names.MAP_ANONYMOUS
    huge = getattr(names, "MADV_HUGEPAGE", None)

    def make(size: int) -> Any:
        room = names.mmap(-1, size, kind)
        if huge is not None:
            try:
                room.madvise(huge)
            except OSError:
                pass
        return room

    return make
