"""One end of a wire: give it the bytes that arrived, get messages; give it messages, get bytes.

It never raises on what the peer sent: a frame that is no message comes out as
:class:`~bridgekit.wire.messages.Malformed` in its place, and the frames after it are read as if
nothing had happened.
"""

from __future__ import annotations

from bridgekit.errors import DecodeError, FrameTooLarge
from bridgekit.wire.format import load_format
from bridgekit.wire.framing._parts import too_large
from bridgekit.wire.messages import Event, Malformed, Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.errors import ProtocolError
    from bridgekit.wire.messages import Message

__all__ = ["LEAST_FRAME", "MAX_DEPTH", "MAX_FRAME", "Connection"]

MAX_FRAME = 16 * 1024 * 1024
"""Default cap of one frame, in bytes."""

LEAST_FRAME = 1024
"""The lowest cap there can be: errors, and the frames of the handshake, must fit."""

MAX_DEPTH = 128
"""Default cap of arrays and objects inside one another, counted over the whole frame."""

_INF = float("inf")
_MOST_GARBAGE = 64
"""Frames without an id, of one read, whose errors are told one by one."""


class Connection:
    """The sans-IO state of one end (``role`` is ``"host"`` or ``"backend"``) of one wire.

    Call :meth:`receive_data` with whatever arrived and handle the messages it returns; call
    :meth:`send` and write the bytes it returns, all of them, in that order. ``format`` names a
    file of ``dialect/``; ``max_frame`` and ``max_depth`` bound what is sent as what is received;
    ``default`` turns values of unknown types into plain ones. ``most`` is the size of the largest
    frame that is sent: ``max_frame``, or what the peer takes, once :meth:`limit_sending` was told.
    """

    def __init__(
        self,
        format: str = "native",
        role: str = "host",
        *,
        max_frame: int = MAX_FRAME,
        max_depth: int = MAX_DEPTH,
        default: Callable[[Any], Any] | None = None,
    ) -> None:
        layers = load_format(format)
        self.format = format
        self.role = role
        self.max_frame = max_frame
        self.max_depth = max_depth
        self.framing = layers.framing(role, max_frame)
        options: dict[str, Any] = {"max_depth": max_depth}
        if default is not None:
            options["default"] = default
        self.codec = layers.codec(role, **options)
        self.dialect = layers.dialect(role)
        self._feed = self.framing.feed
        self.most = max_frame
        self._measures: list[Callable[[int], None]] = []
        self.wrap: Callable[[bytes], bytes] = self.framing.wrap
        self._decode = _decoder(self.codec)
        self._encode = self.codec.encode
        self._interpret = self.dialect.decode
        self._express = self.dialect.encode
        self._request_text = getattr(self.dialect, "request_text", None)
        self._result_text = getattr(self.dialect, "result_text", None)
        self._event_text = getattr(self.dialect, "event_text", None)
        self._gather = getattr(self.dialect, "gather", None)
        self._salvages = role == "host" and getattr(layers.framing, "salvages", False)
        self._json = self.codec.__module__.endswith(".json")
        self._garbage = 0
        self._last = DecodeError("")

    @property
    def preamble(self) -> bytes:
        """Bytes to write before anything else; on the native wire a backend's lone NUL."""
        preamble: bytes = self.dialect.preamble
        return preamble

    def limit_sending(self, theirs: Any) -> None:
        """The peer said that its frames may have ``theirs`` bytes; send none that is larger.

        What is no whole number says nothing, and the limit is ``max_frame`` again; a number below
        LEAST_FRAME counts as that.
        """
        wrap, most = self.framing.wrap, self.max_frame
        if type(theirs) is int and theirs < most:
            most = min(most, max(theirs, LEAST_FRAME))

        def held(payload: bytes) -> bytes:
            if len(payload) > most:
                raise too_large(len(payload), most, b"")
            return wrap(payload)  # type: ignore[no-any-return]

        self.most = most
        self.wrap = wrap if most == self.max_frame else held
        for measure in self._measures:
            measure(most)

    def when_limited(self, measure: Callable[[int], None]) -> None:
        """Call ``measure`` with ``most``, now and each time that the peer was heard about it."""
        self._measures.append(measure)
        measure(self.most)

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the messages that ``data`` completes, in order; never raises."""
        messages: list[Message] = []
        self._garbage = 0
        for frame in self._feed(data):
            if self._garbage > _MOST_GARBAGE and self._is_hopeless(frame):
                self._last.more += 1
                continue
            if type(frame) is not bytes and type(frame) is not memoryview:
                head = frame.head if isinstance(frame, FrameTooLarge) else frame.data
                self._complain(frame, head, messages)
                continue
            try:
                value = self._decode(frame)
            except DecodeError as error:
                self._salvage(bytes(frame), error, messages)
                continue
            self._interpret(value, messages)
            last = messages[-1] if messages else None
            if type(last) is Malformed and last.id is None:
                messages.pop()
                self._complain(last.error, b"", messages)
        return messages

    def receive_eof(self) -> list[Message]:
        """Return what is left to say when no more bytes will come: a truncated frame, or none."""
        error = self.framing.eof()
        return [] if error is None else [Malformed(error)]

    def send(self, message: Message) -> bytes:
        """Return the bytes that mean ``message``; empty if there is nothing to write yet.

        Raises EncodeError naming the place of a value that cannot be sent, or FrameTooLarge; the
        wire is as it was before.
        """
        value = self._express(message)
        if value is None:
            return b""
        data = self._encode(value)
        if self._gather is not None:
            texts = self._gather(message, data, self.most)
            return b"".join([self.wrap(text) for text in texts])
        return self.wrap(data)

    def send_request(
        self, call_id: Any, method: str, params: Any = None, timeout: float | None = None
    ) -> bytes:
        """As ``send(Request(...))``, sooner; an infinite ``timeout`` is none."""
        if timeout == _INF:  # which JSON cannot say
            timeout = None
        if self._request_text is not None:
            text = self._request_text(self._encode, call_id, method, params, timeout)
            if text is not None:
                return self.wrap(text)
        return self.send(Request(call_id, method, params, timeout))

    def send_result(self, call_id: Any, result: Any) -> bytes:
        """As ``send(Response(...))``, sooner."""
        if self._result_text is not None:
            text = self._result_text(self._encode, call_id, result)
            if text is not None:
                return self.wrap(text)
        return self.send(Response(call_id, result))

    def send_event(self, topic: str, data: Any = None, call: Any = None) -> bytes:
        """As ``send(Event(...))``, sooner."""
        if self._event_text is not None:
            text = self._event_text(self._encode, topic, data, call)
            if text is not None:
                return self.wrap(text)
        return self.send(Event(topic, data, call))

    def send_ready(self, info: Any) -> bytes:
        """Say, unasked, that calls can be answered from now on; it arrives as a Response to 0."""
        data = self._encode(self.dialect.ready(info))
        return self.wrap(data)

    def _salvage(self, frame: bytes, error: DecodeError, messages: list[Message]) -> None:
        """Find the message behind text that was printed into a host's frame."""
        if self._salvages:
            from bridgekit.wire.salvage import find_message

            found = find_message(frame, self._decode)
            inside: list[Message] = []
            if found is not None:
                self._interpret(found[1], inside)
            if found is not None and inside and type(inside[0]) is not Malformed:
                why = f"text stands before a frame: {found[0][:80]!r}"
                stray = DecodeError(why, data=found[0], code="stray_output")
                self._complain(stray, b"", messages)
                messages += inside
                return
        if frame.strip():  # a blank line says nothing
            self._complain(error, error.data, messages)

    def _is_hopeless(self, frame: bytes | ProtocolError) -> bool:
        """Tell cheaply, in a read full of garbage, that a frame is more of it."""
        return self._json and type(frame) is bytes and frame.find(b"{") < 0

    def _complain(self, error: ProtocolError, head: bytes, messages: list[Message]) -> None:
        """Report a frame that is no message; many in one read are counted, not listed.

        A read full of garbage would else become objects of many times its size.
        """
        call_id = self.codec.fish_id(head) if head else None
        if call_id is None:
            self._garbage += 1
            if self._garbage > _MOST_GARBAGE:
                self._last.more += 1
                return
            if isinstance(error, DecodeError):
                self._last = error
        messages.append(Malformed(error, call_id))


def _decoder(codec: Any) -> Callable[[Any], Any]:
    """Return what decodes a frame, which comes as a view when it is large."""
    decode: Callable[[Any], Any] = codec.decode
    if getattr(codec, "takes_views", False):
        return decode
    return lambda frame: decode(bytes(frame))
