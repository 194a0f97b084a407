"""A look behind the handle of a blocking backend."""

from __future__ import annotations

from bridgekit.blocking import Backend
from bridgekit.blocking.worker import Worker

__all__ = ["worker_of"]


def worker_of(backend: Backend) -> Worker:
    """Return the only process of ``backend``."""
    (process,) = backend._driver.processes
    return process  # type: ignore[no-any-return]
