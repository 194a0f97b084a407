"""Which known name was meant by an unknown one. Loaded with the first name that is wrong."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["hint", "similar"]

_MOST_NAMES = 500
_MOST_SHOWN = 3
_LONGEST = 60
_FAR = 99


def similar(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the ``known`` names that ``name`` may stand for, the nearest first.

    One typing mistake in three characters is forgiven, two in five, and always one.
    """
    near = []
    for each in sorted(known)[:_MOST_NAMES]:
        mistakes = _distance(name.lower(), each.lower())
        short, long = sorted((len(name), len(each)))
        if mistakes <= max(1, (short + 1) // 3) and mistakes < max(1, long):
            near.append((mistakes, each))
    return [each for _, each in sorted(near)[:_MOST_SHOWN]]


def hint(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'this' or 'that'?``, or nothing."""
    close = similar(name, known)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else ""


def _distance(one: str, other: str) -> int:
    """Typing mistakes between two names: characters added, left out, replaced, or two swapped.

    The restricted Damerau-Levenshtein distance; not worked out where the lengths settle it.
    """
    if abs(len(one) - len(other)) > 4 or len(one) > _LONGEST:
        return _FAR
    above: list[int] = []
    row = list(range(len(other) + 1))
    for at, char in enumerate(one):
        last, above, row = above, row, [at + 1]
        for index, each in enumerate(other):
            cost = min(row[index] + 1, above[index + 1] + 1, above[index] + (char != each))
            if at and index and char == other[index - 1] and one[at - 1] == each:
                cost = min(cost, last[index - 1] + 1)
            row.append(cost)
    return row[-1]
