"""The stream of changes that a manager's backends go through, on an event loop."""

from __future__ import annotations

import anyio

from bridgekit.host.hub import ChangeQueue, Hub
from bridgekit.policy.lifecycle import StateChange

__all__ = ["Changes"]


class Changes(ChangeQueue):
    """Each change of state since it was made: ``async for change in manager.changes()``.

    Changes that a slow reader leaves are kept up to a bound, then the oldest are dropped and
    counted in ``dropped``. The iteration ends with the manager, or with :meth:`aclose`.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._event: anyio.Event | None = None
        hub.listen(self)

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> StateChange:
        while True:
            change = self.take()
            if change is not None:
                return change
            if self.ended:
                raise StopAsyncIteration
            self._event = self._event or anyio.Event()
            await self._event.wait()

    async def aclose(self) -> None:
        """Listen no more."""
        self._hub.unlisten(self)
