"""JSON-RPC batches on a backend: an array of requests is answered with one array.

The answers come one by one, in any order, and wait here as text until the last is there. Where
their array would be over the cap of a frame, what there is goes out and a second array follows.
"""

from __future__ import annotations

from bridgekit.wire.dialect._vocabulary import malformed
from bridgekit.wire.messages import Failure, Malformed, Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.wire.messages import Message

__all__ = ["Batches"]

_MOST_INVALID = 100
"""Entries that are no requests; a batch with more is refused as a whole."""


class _Batch:
    """One array: how many answers it waits for, and those it has."""

    __slots__ = ("size", "texts", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self.texts: list[bytes] = []
        self.size = 0

    def take(self) -> bytes:
        """Return the array of what there is and start another."""
        text = b"[" + b",".join(self.texts) + b"]"
        self.texts, self.size = [], 0
        return text


class _Place:
    """Stands for the id of an entry that has none, until its answer comes back."""

    __slots__ = ("batch",)

    def __init__(self, batch: _Batch) -> None:
        self.batch = batch

    def __repr__(self) -> str:
        return "<an entry of a batch>"


class Batches:
    """The batches that wait for answers."""

    def __init__(self) -> None:
        self._by_id: dict[Any, list[_Batch]] = {}

    def open(
        self,
        entries: list[Any],
        decode: Callable[[Any, list[Message]], None],
        out: list[Message],
    ) -> None:
        """Decode an array that is not empty and remember what it waits for."""
        inside: list[Message] = []
        invalid = 0
        for entry in entries:
            decode(entry, inside)
            invalid += type(inside[-1]) is Malformed
            if invalid > _MOST_INVALID:
                out.append(malformed("most of a batch are no requests", entries, None))
                return
        batch = _Batch()
        for message in inside:
            if isinstance(message, Malformed) and message.id is None:
                message.id = _Place(batch)
            elif not isinstance(message, (Malformed, Request)) or message.id is None:
                continue
            else:
                self._by_id.setdefault(_key(message.id), []).append(batch)
            batch.waiting += 1
        out += inside

    def open_answers(
        self,
        entries: list[Any],
        decode: Callable[[Any, list[Message]], None],
        out: list[Message],
    ) -> None:
        """Decode an array of answers; of very many entries that are none, not all are told."""
        invalid = 0
        for entry in entries:
            if invalid < _MOST_INVALID or type(entry) is dict:
                decode(entry, out)
                last = out[-1]
                if type(last) is Malformed and last.id is None:
                    invalid += 1
                    if invalid > _MOST_INVALID:
                        out.pop()

    def wire_id(self, call_id: Any) -> Any:
        """Return what stands on the wire for the id of a message."""
        return None if type(call_id) is _Place else call_id

    def gather(self, message: Message, text: bytes, max_frame: int) -> list[bytes]:
        """Return the frames to write now that ``message`` has become ``text``."""
        if not isinstance(message, (Response, Failure)) or len(text) + 2 > max_frame:
            return [text]
        batch = self._batch_of(message.id)
        if batch is None:
            return [text]
        frames = []
        if batch.texts and batch.size + len(text) + 3 > max_frame:
            frames.append(batch.take())
        batch.texts.append(text)
        batch.size += len(text) + 1
        batch.waiting -= 1
        if not batch.waiting:
            frames.append(batch.take())
        return frames

    def _batch_of(self, call_id: Any) -> _Batch | None:
        if type(call_id) is _Place:
            return call_id.batch
        if not self._by_id:
            return None
        try:
            waiting = self._by_id.get(_key(call_id))
        except TypeError:  # no id of a request on this wire
            return None
        if not waiting:
            return None
        batch = waiting.pop(0)
        if not waiting:
            del self._by_id[_key(call_id)]
        return batch


def _key(call_id: Any) -> Any:
    return type(call_id), call_id
