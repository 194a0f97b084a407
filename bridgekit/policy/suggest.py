"""Unknown names in specs: what was meant, most likely."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

__all__ = ["check_keys"]


def check_keys(what: str, given: Iterable[object], known: Collection[str]) -> None:
    """Raise ValueError for the first key in ``given`` that ``what`` does not have."""
    for key in given:
        if key in known:
            continue
        close = get_close_matches(str(key), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"{what} has no field {key!r}.{hint} Its fields are: {', '.join(sorted(known))}."
        )
