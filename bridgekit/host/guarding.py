"""Carry on where an error can only be our own: at the end of a process everything must be closed.

An exception there would leave calls that never end, descriptors that stay open and a manager that
waits for ever. It is logged, with its traceback, and the next step is taken all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["carry_on", "each"]

logger = logging.getLogger("bridgekit")


@contextmanager
def carry_on(name: str) -> Iterator[None]:
    """Log an exception of the block as an error of ours around the backend ``name``."""
    try:
        yield
    except Exception:
        logger.exception(
            "backend %r: an internal error while it ended; please report this to the authors of "
            "bridgekit",
            name,
            extra={"backend": name},
        )


def each(name: str, *steps: Callable[[], object]) -> None:
    """Take all ``steps``, whatever becomes of the others."""
    for step in steps:
        with carry_on(name):
            step()
