"""When a backend that nobody calls is put to sleep: a timer that decides nothing.

The moment is computed again from what is true when the timer fires, so a timer that is late,
early or left over from before can only look. A call that came first has taken its worker and
nothing is idle; a call that comes after finds no worker, waits, and wakes the backend. Health
checks end no call and so do not count as use.
"""

from __future__ import annotations

import math

__all__ = ["idle_since", "sleep_at"]


def idle_since(last_done: float, on_duty_since: float) -> float:
    """Return when a backend without calls was last of use: its last call's end, or its start."""
    return max(last_done, on_duty_since)


def sleep_at(
    timeout: float | None, now: float, *, busy: bool, last_done: float, on_duty_since: float
) -> float:
    """Return when to stop for idleness: not after ``now`` means at once, inf means never.

    A ``busy`` backend gives a moment to look again: a whole ``timeout`` from now.
    """
    if timeout is None:
        return math.inf
    if busy:
        return now + timeout
    return idle_since(last_done, on_duty_since) + timeout
