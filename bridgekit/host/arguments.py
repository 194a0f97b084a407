"""What callers hand over, looked at before anything is done with it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "checked_grace",
    "checked_handler",
    "checked_items",
    "checked_method",
    "checked_priority",
    "checked_timeout",
]


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
    return _seconds(timeout)


def _seconds(value: float) -> float:
    """Return ``value``, 0 for what is below, infinity for an integer beyond every float."""
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            value = math.inf if value > 0 else 0
    return value if value >= 0 else 0.0


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


def checked_grace(grace: Any) -> float | None:
    """Return ``grace``, a finite number of seconds from 0 on or None; raise TypeError or ValueError.

    A time below 0 is over already, as 0 is.
    """
    allowed = "grace must be a number of seconds, or None for the spec's stop_grace, not "
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, int | float):
        raise TypeError(f"{allowed}{grace!r:.80}")
    if grace != grace or _seconds(grace) == math.inf:
        raise ValueError(f"{allowed}{grace!r:.80}")
    return _seconds(grace)


def checked_handler(handler: Any, name: str, *, plain: bool = True) -> Any:
    """Return ``handler``, the argument ``name``; raise TypeError for what cannot be called.

    A ``plain`` one must not be an ``async def``: nobody would await what it returns.
    """
    if not callable(handler):
        raise TypeError(f"{name} must be a function that takes an event, not {handler!r:.80}")
    if plain and inspect.iscoroutinefunction(handler):
        raise TypeError(f"{name} must be a plain function here, not the async {handler!r:.80}")
    return handler


def checked_items(items: Any) -> Iterable[Any]:
    """Return ``items``, the parameters of many calls; raise TypeError for what is no list of them."""
    if isinstance(items, Mapping | str | bytes | bytearray) or not isinstance(items, Iterable):
        raise TypeError(
            "items must be a list with the parameters of one call each (a mapping, a sequence or "
            f"None), not {items!r:.80}"
        )
    return items
