"""The ways a call can end, in one word each: labels must be few."""

from __future__ import annotations

from bridgekit.errors import (
    BackendDied,
    BackendError,
    CallCancelled,
    CallTimeout,
    QueueFull,
    RemoteError,
)

__all__ = ["outcome_of"]

_OUTCOMES: tuple[tuple[type[BaseException], str], ...] = (
    (CallTimeout, "timeout"),
    (CallCancelled, "cancelled"),
    (QueueFull, "queue-full"),
    (RemoteError, "remote-error"),
    (BackendDied, "died"),
    (BackendError, "unavailable"),
    (Exception, "error"),
)


def outcome_of(error: BaseException | None) -> str:
    """Return how a call ended: ``"ok"`` for None, ``"cancelled"`` for what is no Exception."""
    if error is None:
        return "ok"
    return next((word for kind, word in _OUTCOMES if isinstance(error, kind)), "cancelled")
