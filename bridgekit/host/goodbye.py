"""The command that asks a backend to shut down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridgekit.host.pending import PendingCall

__all__ = ["Goodbye"]


class Goodbye(PendingCall):
    """The ``shutdown`` command; any answer will do."""

    __slots__ = ("answered",)

    def __init__(self, answered: Callable[[], None]) -> None:
        super().__init__("shutdown")
        self.answered = answered

    def settle(self, result: Any) -> None:
        self.answered()

    def fail(self, error: Exception) -> None:
        self.answered()
