"""The outcomes of a batch on their way to the host.

Each value becomes bytes the moment its call ends: a list that a later call changes must go out
as it was. Where the wire's text cannot be put together from pieces, values are copied instead.
"""

from __future__ import annotations

from _thread import allocate_lock

from bridgekit.backend.call import key_of
from bridgekit.backend.failures import failure_fields, failure_of
from bridgekit.errors import FrameTooLarge
from bridgekit.wire.messages import Event, Failure
from bridgekit.wire.quick import quick_encoder, quoter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.call import Call
    from bridgekit.backend.loop import Loop

__all__ = ["Gathered", "Outcomes", "outcomes_for"]

_PART_BYTES = 256 * 1024
_ENVELOPE = 512
"""Room that the frame around an outcome may take, in bytes."""

_SHORT = 1024
"""Characters of a text that is not worth turning into JSON by itself."""

_AROUND = 12
"""Bytes that at most stand around an outcome in its list."""

_LEVELS = 4
"""Arrays and objects that stand around a value: in a part, the most."""

_UNCHANGING = (str, int, float, bool, type(None))


def outcomes_for(loop: Loop, batch_id: Any, first: int) -> Outcomes:
    """Return what collects a batch's outcomes on this loop's wire."""
    dialect = loop.connection.dialect
    if type(batch_id) is int and hasattr(dialect, "part_text"):
        return TextOutcomes(loop, batch_id, first)
    return Outcomes(loop, batch_id, first)


class Outcomes:
    """Outcomes as values."""

    short = -1
    """Characters of ASCII text that :meth:`keep` takes."""

    def __init__(self, loop: Loop, batch_id: Any, first: int) -> None:
        self._loop = loop
        self._connection = loop.connection
        self._id = batch_id
        self._first = first
        self._done: list[Any] = []
        self._size = 0
        self._part_bytes = min(_PART_BYTES, self._connection.most - _ENVELOPE)
        self.large = False

    @property
    def next(self) -> int:
        """The id of the call whose outcome comes next."""
        return self._first + len(self._done)

    def keep(self, text: str) -> None:
        """The next call returned a text of ASCII, at most ``short`` characters of it."""
        raise NotImplementedError

    def add(self, value: Any) -> None:
        """The next call returned ``value``; raises EncodeError or FrameTooLarge."""
        codec = self._connection.codec
        data = codec.encode(value, "result")
        self._count(len(data))
        self._done.append([value if type(value) in _UNCHANGING else codec.decode(data)])

    def add_error(self, failure: Failure) -> None:
        """The next call failed."""
        try:
            self._add_fields(failure_fields(failure))
        except Exception as error:
            if type(failure.code) is int:  # longer than what can be said
                failure.code = None
                self.add_error(failure)
                return
            self._add_fields(failure_fields(failure_of(failure.id, error)))

    def send_part(self) -> None:
        """Send what there is ahead of the rest."""
        if "batch" in self._loop.features:
            self._loop.outbox.put(self._part())
            self._loop.outbox.flush()
            self._first += len(self._done)
            self._done, self._size = [], 0
        self.large = False

    def answer(self) -> bytes:
        """Return the batch's answer; a refusal where the host took no parts and it is too large."""
        try:
            return self._whole()
        except Exception as error:
            return self._loop.refusal(self._id, error)

    def _add_fields(self, fields: dict[str, Any]) -> None:
        data = self._connection.codec.encode(fields)
        self._count(len(data))
        self._done.append({"error": self._connection.codec.decode(data)})

    def _count(self, size: int) -> None:
        """Make room for an outcome of ``size`` bytes; raises FrameTooLarge if it can have none."""
        size += _AROUND
        if self._size + size > self._part_bytes:
            limit = self._connection.most
            if size + _ENVELOPE > limit:
                raise FrameTooLarge(
                    f"the result of {size - _AROUND} bytes is over the limit of {limit} bytes",
                    size=size,
                    limit=limit,
                )
            if self._size + size + _ENVELOPE > limit:
                self.send_part()
            self.large = True
        self._size += size

    def _part(self) -> bytes:
        data = {"first": self._first, "results": self._done}
        return self._connection.send(Event("$/part", data, self._id))

    def _whole(self) -> bytes:
        return self._connection.send_result(self._id, self._done)


class TextOutcomes(Outcomes):
    """Outcomes as JSON text, put together without a second look.

    Short texts, which nothing can change any more, stay as they are and become JSON all at once.
    """

    def __init__(self, loop: Loop, batch_id: Any, first: int) -> None:
        super().__init__(loop, batch_id, first)
        self._express, self._quote = quick_encoder(loop.connection, _LEVELS), quoter()
        # Escaped, text may grow sixfold, and a part must still fit into its frame.
        self.short = _SHORT if loop.connection.most >= 8 * _PART_BYTES else -1

    def keep(self, text: str) -> None:
        self._done.append(text)
        self._size = size = self._size + len(text) + _AROUND
        if size > _PART_BYTES:
            self.large = True

    def add(self, value: Any) -> None:
        """As the base class."""
        codec = self._connection.codec
        if codec._dumps is None or value.__class__ is str:
            data = self._express(value).encode("ascii")
        else:
            data = codec.encode(value, "result", _LEVELS)
        self._count(len(data))
        self._done.append(b"[%b]" % data)

    def _add_fields(self, fields: dict[str, Any]) -> None:
        text = self._express(fields)
        self._count(len(text))
        self._done.append(f'{{"error":{text}}}'.encode("ascii"))

    def _part(self) -> bytes:
        connection = self._connection
        text = connection.dialect.part_text(self._id, self._first, self._text())
        return connection.wrap(text)

    def _whole(self) -> bytes:
        text = self._text()
        done = self._connection.dialect.result_text(lambda _, __: text, self._id, None)
        return self._connection.wrap(done)

    def _text(self) -> bytes:
        done, dumps = self._done, self._connection.codec._dumps
        if set(map(type, done)) != {str}:
            express = self._express
            texts = [f"[{express(each)}]".encode() if type(each) is str else each for each in done]
            return b"[%b]" % b",".join(texts)
        if dumps is not None:
            text: bytes = dumps(list(zip(done)))  # tuples of one
            return text
        return f"[[{'],['.join(map(self._quote, done))}]]".encode("ascii")


class Gathered:
    """The outcomes of a batch whose calls run beside each other, in order all the same."""

    def __init__(self, loop: Loop, batch_id: Any, first: int, count: int) -> None:
        self._loop = loop
        self._lock = allocate_lock()
        self._done: list[Any] = [None] * count
        self._left = count
        self._first = first
        self.id = batch_id

    def put(self, call: Call, outcome: Any) -> None:
        """One call ended; the last one sends the answer. Raises EncodeError."""
        codec = self._loop.connection.codec
        outcome = codec.decode(codec.encode(outcome, "result"))
        with self._lock:
            if self._done[call.index] is not None:  # it was answered for: the backend ends
                return
            self._done[call.index] = outcome
            self._left -= 1
            if self._left:
                return
        self._loop.active.pop(key_of(self.id), None)
        connection = self._loop.connection
        try:
            reply = connection.send_result(self.id, self._done)
        except Exception as error:
            reply = self._loop.refusal(self.id, error)
        self._loop.outbox.push(reply)

    def at_eof(self) -> None:
        """Nothing changes for a batch."""

    def cancel(self) -> None:
        """Cancel every call of the batch that still runs."""
        for index, outcome in enumerate(self._done):
            call = self._loop.active.get(key_of(self._first + index))
            if outcome is None and call is not None:
                call.cancel()
