"""What callers hand over, looked at before anything is done with it."""

from __future__ import annotations

from typing import Any

__all__ = ["checked_method", "checked_priority", "checked_timeout"]


def checked_timeout(timeout: Any, name: str = "timeout") -> float | None:
    """Return ``timeout``, a number of seconds from 0 on or None; raise TypeError or ValueError.

    A time below 0 is over already, as 0 is: callers subtract clocks to know what is left.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(
            f"{name} must be a number of seconds, or None for no limit, not {timeout!r:.80}"
        )
    if timeout != timeout:
        raise ValueError(f"{name} must be a number of seconds, or None for no limit, not {timeout}")
    return timeout if timeout >= 0 else 0.0


def checked_method(method: Any) -> str:
    """Return ``method``, the name of one; raise TypeError or ValueError."""
    if not isinstance(method, str):
        raise TypeError(f"method must be the name of a method, a string, not {method!r:.80}")
    if not method:
        raise ValueError("method must be the name of a method, not an empty string")
    return method


def checked_priority(priority: Any) -> int:
    """Return ``priority``; raise TypeError for what cannot be compared with others in a queue."""
    if not isinstance(priority, int):
        raise TypeError(f"priority must be a whole number, not {priority!r:.80}")
    return priority
