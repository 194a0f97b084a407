"""The floor with half as much work again: what a slower call's tail is, whoever makes it.

The longer a call takes, the more of them the machine interrupts: its clock, its other guests. A tail
is compared with this one to see what of it is the competitor's own.
"""

from __future__ import annotations

from benchmarks.competitors import floor


class Competitor(floor.Competitor):
    """Each call is encoded and decoded again and again, for nothing."""

    title = "floor + half as much work again"
    kind = "probe"
    cost = 1.5
    skips = ("flight", "events", "bulk", "threads")
    again = 6

    def call(self, value: str) -> object:
        """As the floor's, with work that changes nothing."""
        dumps, loads = self._dumps, self._loads
        for _ in range(self.again):
            loads(dumps({"id": self._serial, "cmd": "echo", "params": {"value": value}}))
        return super().call(value)
