"""Several calls of one thread at a worker that nobody else uses, without asking the policy.

As a lone caller does (:mod:`bridgekit.blocking.lane`), a visitor takes the lead of a channel whose
gate is open. It shuts the gate behind itself, gives the lead back, and makes its calls in the
ordinary way. The policy finds it in ``channel.visitor`` if it looks; whoever takes it out of
there, the policy or the visitor as it leaves, knows whether it was counted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.entries import SharedPlace
from bridgekit.host.places import Place

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.driving import BlockingDriver

__all__ = ["Visit"]


class Visit(SharedPlace):
    """Enter with :meth:`enter`, and :meth:`leave` in any case; ``method`` is what is called.

    ``counted`` tells that the policy knows of it.
    """

    __slots__ = ("_noted", "_over", "counted", "done", "waiter")

    _driver: BlockingDriver
    channel: Channel

    def __init__(self, driver: BlockingDriver, channel: Channel, method: str) -> None:
        super().__init__(driver, channel.worker, method)
        self.counted = self.done = self._noted = self._over = False
        self.waiter: Any = None

    def enter(self) -> bool:
        """Return whether nobody was there, and nobody will come until it leaves."""
        channel = self.channel
        if channel.gate or channel.lead.setdefault(0, self) is not self:
            return False
        with channel.lock:
            free = not channel.gate
            if free:
                channel.gate.append(self)
                channel.visitor[0] = self
            channel.pass_on()
        return free

    def leave(self, *, unused: bool = False) -> None:
        """Its calls have ended or were given up. May be repeated, after an interrupt."""
        channel = self.channel
        if channel.lead.get(0) is self:  # it was interrupted on its way in
            channel.tidy(self, None)
        if self._over or self not in channel.gate:
            return
        uncounted = channel.visitor.pop(0, None) is self or not self.counted
        given_up = any(call_id > self._first for call_id in list(channel.session.abandoned))
        if uncounted and not given_up:
            if not self._noted and channel.session.table._last != self._first:
                self._noted = True
                channel.last_done = time.monotonic()
                channel.alone += 1
            channel.gate.remove(self)  # last: who is interrupted begins again
        else:
            self._driver.post(lambda: self._report(uncounted))

    def _report(self, uncounted: bool) -> None:
        if self._over:
            return
        self._over = True
        self._driver.lane.seen_off(self)
        if uncounted and self._worker.handle.ended_at is None:
            self._driver.pool.occupy(self._worker)
        with self.channel.lock:
            self.channel.gate.remove(self)
            Place.leave(self)
