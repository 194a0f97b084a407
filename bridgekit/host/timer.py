"""One timer of a backend on an event loop, which moves without a task for each moment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from bridgekit.host.starting import Starter

__all__ = ["Timer"]


class Timer:
    """Calls ``callback`` at the moment it was set to, a moment of ``time.monotonic``.

    It only ever moves forward in urgency: set to a later moment it fires at the earlier one all
    the same, and who is called sets it again. A timer that was never set costs nothing.
    """

    def __init__(self, tasks: Starter, callback: Callable[[], None]) -> None:
        self.when = math.inf
        self._tasks = tasks
        self._callback = callback
        self._scope: anyio.CancelScope | None = None
        self._runs = False
        self._closed = False
        # The loop's clock may be another one, and cannot be asked from everywhere.
        self._offset = anyio.current_time() - time.monotonic()

    def set(self, when: float) -> None:
        """Fire at ``when``, or before."""
        if when >= self.when or self._closed:
            return
        self.when = when
        if self._scope is not None:
            self._scope.deadline = when + self._offset
        elif not self._runs:
            self._runs = True
            self._tasks.start_soon(self._run)

    def close(self) -> None:
        """Never fire again."""
        self._closed = True
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self) -> None:
        """Wait for a deadline that moves under us, as long as there is one."""
        while self.when < math.inf and not self._closed:
            with anyio.CancelScope(shield=True, deadline=self.when + self._offset) as self._scope:
                await anyio.sleep_forever()
            self._scope = None
            if not self._closed and self.when <= time.monotonic():
                self.when = math.inf
                self._callback()
        self._runs = False
