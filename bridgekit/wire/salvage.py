"""What can be saved from a frame that is no message: the message behind printed text."""

from __future__ import annotations

from bridgekit.errors import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Optional

__all__ = ["find_message"]

_EACH_SIDE = 8
_WORK = 2
"""How many times a large frame may be read in search of a message."""

_SMALL = 64 * 1024

_ENVELOPES = (b'{"id"', b'{"cmd"', b'{"status"', b'{"jsonrpc"')


def find_message(
    frame: bytes, decode: Callable[[bytes], Any]
) -> Optional[tuple[bytes, dict[str, Any]]]:
    """Return the text before the object that ends ``frame``, and that object; or None.

    A backend that prints and then answers puts both into one frame. Only an object that reaches
    to the frame's end counts, and on the line of an envelope that was never finished none does:
    what stands inside another object cannot be taken for a message.
    """
    budget = _WORK * len(frame) + _EACH_SIDE * min(len(frame), _SMALL)
    for start in _candidates(frame):
        budget -= len(frame) - start
        if budget < 0:
            break
        try:
            value = decode(frame[start:])
        except DecodeError:
            continue
        if type(value) is dict:
            return frame[:start], value
    return None


def _candidates(frame: bytes) -> Iterator[int]:
    """Where a message may begin, the likeliest first: after the last line that was printed."""
    end = len(frame.rstrip())
    at = frame.find(b"{", frame.rfind(b"\n", 0, end) + 1)
    if at > 0:
        yield at
    if frame[:64].replace(b" ", b"").lstrip().startswith(_ENVELOPES):
        return
    at = end
    for _ in range(_EACH_SIDE):
        at = frame.rfind(b'{"', 0, at)
        if at <= 0:
            break
        yield at
    at = 0
    for _ in range(_EACH_SIDE):
        at = frame.find(b'{"', at + 1)
        if at < 0:
            return
        yield at
