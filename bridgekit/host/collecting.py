"""A plain call whose method turns out to stream: its result is the list of the items.

The same holds inside a batch and for hosts that cannot stream, so ``call`` means one thing
everywhere. It is for results of moderate size; more than one frame could hold is refused.
"""

from __future__ import annotations

from typing import Any

from bridgekit.errors import FrameTooLarge, ProtocolError
from bridgekit.host.pending import PendingCall, StreamCall

__all__ = ["CollectedCall"]


class CollectedCall(StreamCall):
    """Takes the place of ``call`` from its first item on; at most ``limit`` bytes are kept."""

    __slots__ = ("_call", "_left", "_limit", "_values")

    def __init__(self, call: PendingCall, limit: int) -> None:
        super().__init__(call.method, call.params, call.timeout, call.deadline, call.on_event)
        self.id = call.id
        self._call = call
        self._limit = self._left = limit
        self._values: list[Any] = []

    def wake(self) -> None:
        """Nobody waits here: the caller waits for the end."""

    def add(self, data: Any, cost: int = 0) -> None:
        """Keep one item that took ``cost`` bytes; raises FrameTooLarge for one too many."""
        if type(data) is not dict or type(data.get("seq")) is not int:
            raise ProtocolError(f"an item of {self.method!r} came without its number")
        self._left -= cost
        if self._left < 0:
            raise FrameTooLarge(
                f"{self.method!r} streams more than the {self._limit} bytes that one result may "
                "have; iterate over it with stream()",
                size=self._limit - self._left,
                limit=self._limit,
            )
        self.seq = data["seq"]
        self.unacked += 1
        self._values.append(data.get("value"))

    def settle(self, result: Any) -> None:
        self.ended = True
        self._call.settle(self._values)

    def fail(self, error: Exception) -> None:
        self.ended = True
        self._call.fail(error)
