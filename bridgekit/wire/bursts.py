"""Many events of one topic in one read, decoded together on the host's side.

The frames of a burst differ only in their values: the bytes before and after are the same. So
the values are cut out by splitting at those bytes, and decoded at once, each proved to be one
value (see :func:`bridgekit.wire.quick.at_once`): then each frame was what it seemed to be.
Anything else (text that was printed, a torn frame, members in another order) is left to who
reads the frames one by one.
"""

from __future__ import annotations

from itertools import repeat

from bridgekit.wire.depth import too_deep
from bridgekit.wire.messages import Event
from bridgekit.wire.quick import at_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Optional

__all__ = ["PORTION", "SOME", "Burst", "BurstReader", "Run", "portions"]

SOME = 12
"""Frames in one read up to which they are no burst."""

PORTION = 16384
"""Bytes of a burst that are decoded at a time: what they say is gone before the next ones come."""

_STYLES = (
    (b',"status":"event","result":', b',"call":%d}'),
    (b', "status": "event", "result": ', b', "call": %d}'),
)
"""Before and after a value, as bridgekit writes it and as the package ``json`` does by default."""

_DISCOURAGED = 16
"""Reads that are not tried after one that was no burst."""


class Run:
    """Events of one topic and of one call, or none, made one by one for who iterates over them.

    A thousand events that live at a time have the garbage collector look at all of a program.
    """

    __slots__ = ("call", "topic", "values")

    def __init__(self, topic: str, values: list[Any], call: Any) -> None:
        self.topic = topic
        self.values = values
        self.call = call

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Event]:
        return map(Event, repeat(self.topic), self.values, repeat(self.call))


class Burst(list):  # type: ignore[type-arg]
    """What ``frames`` frames of one read said; the author's events are in a :class:`Run` each."""

    __slots__ = ("frames",)

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames


def portions(data: bytes) -> Iterator[bytes]:
    """Cut ``data`` into portions of whole frames, as far as they are short."""
    start = 0
    while len(data) - start > PORTION:
        end = data.rfind(b"\0", start, start + PORTION) + 1
        if not end:
            break
        yield data[start:end]
        start = end
    yield data[start:] if start else data


class BurstReader:
    """Reads bursts with ``loads``, and with ``read(frames, out, exact)`` what is none.

    No frame may nest deeper than ``depth`` or be larger than ``largest`` bytes.
    """

    def __init__(
        self,
        loads: Callable[[bytes], Any],
        read: Callable[[list[bytes], list[Any], bool], bool],
        depth: int,
        largest: int,
    ) -> None:
        self._loads, self._read_each = loads, read
        self._small, self._depth, self._largest = min(2 * depth, largest), depth, largest
        self._together = at_once()
        self._head = self._tail = b""
        self._topic = ""
        self._call: Any = None
        self._discouraged = 0

    def read(self, frames: list[bytes], out: Any, exact: bool) -> bool:
        """Put what ``frames`` say into ``out``; return False, or raise, to decline.

        ``exact``: the first of them is known to hold no long number, as the others are.
        """
        if self._discouraged:
            self._discouraged -= 1
            return self._read_each(frames, out, exact)
        while True:
            remembered = bool(self._head)
            try:
                if self._read_burst(frames, out, exact):
                    out.frames -= frames.count(b"")
                    return True
            except Exception:  # it is something else
                pass
            self._head = b""
            out.clear()
            if not remembered:  # else the frames of today may have something else in common
                self._discouraged = _DISCOURAGED
                return self._read_each(frames, out, exact)

    def _read_burst(self, frames: list[bytes], out: Burst, exact: bool) -> bool:
        if not exact:
            if not self._read_each(frames[:1], out, False):
                return False
            frames = frames[1:]
        pieces = self._split(frames) or (self._learn(frames) and self._split(frames))
        if not pieces:
            return False
        alike = len(pieces) == len(frames) + 2
        return self._take(pieces[1:-1], out) if alike else self._walk(pieces, out)

    def _learn(self, frames: list[bytes]) -> bool:
        """Find what the frames have in common, going by one in the middle."""
        frame = frames[len(frames) // 2]
        found: list[Any] = []
        if not self._read_each([frame], found, True) or type(found[0]) is not Event:
            return False
        event = found[0]
        result, call = _STYLES[frame.find(_STYLES[0][0]) < 0]
        head, tail = frame[: frame.find(result) + len(result)], b"}"
        said: dict[str, Any] = {"cmd": event.topic, "status": "event", "result": 0}
        if event.call is not None:
            if event.call.__class__ is not int:
                return False
            said["call"] = event.call
            tail = call % event.call
        if not frame.endswith(tail) or self._loads(head + b"0" + tail) != said:
            return False
        self._head, self._tail, self._topic, self._call = head, tail, event.topic, event.call
        return True

    def _split(self, frames: list[bytes]) -> Optional[list[bytes]]:
        """Return the values between the frames' ends, or None if too few frames are alike."""
        head, tail = self._head, self._tail
        if not head:
            return None
        # With a frame's end before and a frame's beginning behind, all of them look alike.
        pieces = b"\0".join((tail, *frames, head)).split(tail + b"\0" + head)
        return pieces if 4 * (len(frames) + 2 - len(pieces)) < len(frames) else None

    def _walk(self, pieces: list[bytes], out: Burst) -> bool:
        """As :meth:`_take` where other frames stand between."""
        head, tail, last = self._head, self._tail, len(pieces) - 1
        run: list[bytes] = []
        for index, piece in enumerate(pieces):
            if 0 not in piece:
                if 0 < index < last:
                    run.append(piece)
                continue
            first, *others, final = piece.split(b"\0")
            if index:
                if first.endswith(tail):
                    run.append(first[: -len(tail)])
                else:
                    others.insert(0, head + first)
            following = []
            if index < last:
                if final.startswith(head):
                    following.append(final[len(head) :])
                else:
                    others.append(final + tail)
            if not self._take(run, out) or not self._read_each(others, out, True):
                return False
            run = following
        return self._take(run, out)

    def _take(self, values: list[bytes], out: Burst) -> bool:
        """Put the events with ``values`` into ``out``; False if they are none."""
        if not values:
            return True
        longest = max(map(len, values))
        if longest > self._small:
            if longest > self._largest - len(self._head) - len(self._tail):
                return False
            if any(too_deep(each, self._depth - 1) for each in values if len(each) > self._small):
                return False
        run = Run(self._topic, self._together(values, self._loads), self._call)
        if self._topic[:1] == "$":
            out += run
        else:
            out.append(run)
        return True
