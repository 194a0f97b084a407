"""What the two sides say to each other, whatever bytes it becomes.

Dialects turn these into the plain objects of their vocabulary and back. The classes are plain
and slotted because one is made for every call on both sides and the backend must not load
``dataclasses``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    from bridgekit.errors import ProtocolError

__all__ = [
    "PROTOCOL",
    "Cancel",
    "Event",
    "Failure",
    "Malformed",
    "Message",
    "Request",
    "Response",
]

PROTOCOL = 1
"""The protocol number said in ``$/hello``; docs/protocol.md is its text."""


class _Message:
    """Equality and repr over the slots, for tests and for people."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash((type(self), repr(self._values())))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class Request(_Message):
    """Run ``method``; ``id`` is echoed in the answer, None asks for none.

    ``params`` is a dict, a list or None; ``timeout`` the seconds the caller will wait, or None.
    """

    __slots__ = ("id", "method", "params", "timeout")

    def __init__(self, id: Any, method: str, params: Any = None, timeout: Any = None) -> None:
        self.id = id
        self.method = method
        self.params = params
        self.timeout = timeout


class Response(_Message):
    """The call ``id`` ended with ``result``."""

    __slots__ = ("id", "result")

    def __init__(self, id: Any, result: Any) -> None:
        self.id = id
        self.result = result


class Failure(_Message):
    """The call ``id`` ended in an error; ``error`` is its text."""

    __slots__ = ("code", "data", "error", "id", "traceback", "type")

    def __init__(
        self,
        id: Any,
        error: str,
        code: Any = None,
        data: Any = None,
        type: str | None = None,
        traceback: str | None = None,
    ) -> None:
        self.id = id
        self.error = error
        self.code = code
        self.data = data
        self.type = type
        self.traceback = traceback


class Event(_Message):
    """Something happened; ``call`` is the id of the call it belongs to, or None."""

    __slots__ = ("call", "data", "topic")

    def __init__(self, topic: str, data: Any = None, call: Any = None) -> None:
        self.topic = topic
        self.data = data
        self.call = call


class Cancel(_Message):
    """The caller no longer wants the answer to call ``id``."""

    __slots__ = ("id",)

    def __init__(self, id: Any) -> None:
        self.id = id


class Malformed(_Message):
    """A frame that is not a message: why, and its id where that much could be read."""

    __slots__ = ("error", "id")

    def __init__(self, error: ProtocolError, id: Any = None) -> None:
        self.error = error
        self.id = id


if TYPE_CHECKING:
    Message = Union[Request, Response, Failure, Event, Cancel, Malformed]
else:
    Message = _Message
