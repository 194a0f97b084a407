"""The calls that wait for their answer, each of which ends exactly once.

Whoever takes a call out of the table settles it; whatever comes for it later finds nothing and
is only counted. The table takes no lock of its own: ``take`` relies on ``dict.pop``, which one
thread wins.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["CallTable"]


class CallTable:
    """Calls in flight by id; ``late`` counts outcomes that came for nobody."""

    __slots__ = ("_last", "late", "pending", "prefix")

    def __init__(self, first: int = 1, prefix: str = "") -> None:
        self._last = first - 1
        self.prefix = prefix
        self.pending: dict[Any, Any] = {}
        self.late = 0

    def __len__(self) -> int:
        return len(self.pending)

    def next_id(self) -> Any:
        """Return an id never used before: an integer, or text where there is a prefix."""
        self._last = last = self._last + 1
        return f"{self.prefix}{last}" if self.prefix else last

    def add(self, call_id: Any, call: Any) -> None:
        """Let ``call`` wait under ``call_id``."""
        self.pending[call_id] = call

    def take(self, call_id: Any) -> Any:
        """Return the call that waits under ``call_id`` and forget it; None if there is none."""
        try:
            # True equals 1, but a peer that says it answers no call of ours.
            call = None if type(call_id) is bool else self.pending.pop(call_id, None)
        except TypeError:  # the peer sent an id that cannot be a key
            call = None
        if call is None:
            self.late += 1
        return call

    def take_all(self) -> list[Any]:
        """Return all waiting calls, oldest first, and forget them."""
        calls = []
        while self.pending:
            try:
                calls.append(self.pending.pop(next(iter(self.pending))))
            except (KeyError, RuntimeError, StopIteration):  # another thread took it
                continue
        return calls
