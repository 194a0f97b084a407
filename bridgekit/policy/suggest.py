"""Unknown names in specs: what was meant, most likely."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

import attrs

__all__ = ["check_keys", "names_its_fields"]

C = TypeVar("C", bound=type)


def check_keys(
    what: str,
    given: Iterable[object],
    known: Collection[str],
    error: Callable[[str], Exception] = ValueError,
) -> None:
    """Raise ``error`` for the first key in ``given`` that ``what`` does not have."""
    for key in given:
        if key in known:
            continue
        close = get_close_matches(str(key), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise error(
            f"{what} has no field {key!r}.{hint} Its fields are: {', '.join(sorted(known))}."
        )


def names_its_fields(cls: C) -> C:
    """Have the attrs class ``cls`` answer an unknown field with the names of those that it has."""
    init: Callable[..., None] = cls.__init__  # type: ignore[misc]
    known = [field.name for field in attrs.fields(cls)]

    @wraps(init)
    def checked(self: Any, *args: Any, **fields: Any) -> None:
        check_keys(cls.__name__, fields, known, TypeError)
        init(self, *args, **fields)

    cls.__init__ = checked  # type: ignore[misc]
    return cls
