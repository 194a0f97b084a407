"""A look at a value that saves reading its text: few parts, and nothing remarkable in any.

What orjson and the standard library could treat differently (NaN, Infinity, integers beyond 64
bits, deep nesting) can be found by searching the text, which for megabytes costs as much as
encoding it. Large texts are mostly a few large strings; then the value itself tells at once.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MOST_PARTS", "unremarkable"]

MOST_PARTS = 64
"""How many parts are looked at; so a value that passes is not nested deeper than this."""

_EXACT = float(2**63)


def unremarkable(value: Any, depth: int) -> bool:
    """Whether ``value`` is plain, finite, exact, of few parts and not deeper than ``depth``.

    False means only that it cannot be told so quickly.
    """
    if depth <= MOST_PARTS:
        return False
    left = MOST_PARTS
    parts = [value]
    for part in parts:  # which grows meanwhile
        kind = part.__class__
        if kind is dict or kind is list:
            left -= len(part) + 1
            if left < 0:
                return False
            parts.extend(part.values() if kind is dict else part)
        elif kind is float:
            if not -_EXACT < part < _EXACT:
                return False
        elif kind is not str and kind is not int and kind is not bool and part is not None:
            return False
    return True
