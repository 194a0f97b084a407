"""The way of a lone caller past the policy, which costs a call nothing.

While nothing waits and a worker rests, its channel's gate is open: a caller who finds that nobody
leads there takes the lead, and with it the only place, without asking anybody. Whatever the
policy does begins with :meth:`Lane.shut`. It lets nobody in any more and counts who is in as a
call like any other, which its caller reports when it has ended, since it finds the gate shut then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.calls import LoneCall
from bridgekit.blocking.reading import POLICY

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.blocking.driving import BlockingDriver
    from bridgekit.policy.pooling import Worker

__all__ = ["Lane"]


class Lane:
    """Leads to one worker of a backend at a time; use it with the hub's lock held.

    ``channel`` is that worker's while the gate is open or was last, for callers to try.
    ``opened`` is called when it leads to another worker.
    """

    def __init__(self, driver: BlockingDriver, opened: Callable[[Channel], None]) -> None:
        spec = driver.spec
        self.channel: Channel | None = None
        self._driver = driver
        self._opened = opened
        self._guest: Any = None
        # Where each call has to be counted at once, all go the long way.
        self._barred = driver.samples or spec.recycle.calls is not None

    def shut(self) -> None:
        """Let nobody in, and count who is in."""
        channel = self.channel
        if channel is None:
            return
        if POLICY not in channel.gate:
            guest = channel.shut(POLICY)
            if guest.__class__ is not LoneCall:
                guest = self._visitor(channel)
            if guest is not None:
                self._guest = guest
                self._driver.pool.occupy(channel.worker)
        if channel.alone + channel.alone_slowly != channel.counted:
            self._count(channel)

    def _visitor(self, channel: Channel) -> Any:
        visit = channel.visitor.get(0)
        if visit is None:
            return None
        visit.counted = True  # before it can know that it was found
        if channel.visitor.pop(0, None) is None:
            visit.counted = False  # it was on its way out
            return None
        return visit

    def seen_off(self, guest: Any) -> None:
        """``guest`` goes; its place is freed next, if it was counted."""
        if self._guest is guest:
            self._guest = None

    def open(self) -> None:
        """Let a lone caller in, if there is a worker for it and nothing to attend to."""
        driver = self._driver
        supervisor, pool = driver.supervisor, driver.pool
        if self._barred or self._guest is not None or pool.queue.size or supervisor.observed:
            return
        if pool.refusal is not None or supervisor.draining:
            return
        channel = self.channel
        if channel is None or not channel.worker.open or channel.worker.in_flight:
            worker = pool.rested
            if worker is None:
                return
            channel = self._lead_to(worker)
        if POLICY in channel.gate:
            channel.gate.remove(POLICY)

    def bury(self, channel: Channel) -> None:
        """The process at ``channel`` has ended: count the lone call that it took with it."""
        if channel is self.channel and self._guest is None:
            calls = list(channel.session.table.pending.values())
            if any(call.__class__ is LoneCall for call in calls):
                self._driver.pool.occupy(channel.worker)

    def _lead_to(self, worker: Worker) -> Channel:
        channel: Channel = worker.handle.channel
        if channel is not self.channel:
            channel.left = self._left
            self.channel = channel
            self._opened(channel)
        return channel

    def _count(self, channel: Channel) -> None:
        """Take over what lone callers have done since the last time."""
        calls = channel.alone + channel.alone_slowly - channel.counted
        channel.counted += calls
        channel.worker.served += calls
        pool = self._driver.pool
        pool.last_done = max(pool.last_done, channel.last_done)

    def _left(self, channel: Channel, call: LoneCall) -> None:
        """The policy has to hear of ``call``, which has ended or was not sent; no lock is held.

        Who is interrupted while it tells of it tells it again.
        """
        self._driver.post(lambda: self._report(channel, call))

    def _report(self, channel: Channel, call: LoneCall) -> None:
        driver, worker = self._driver, channel.worker
        while call in channel.gate:
            channel.gate.remove(call)
        if call.told:
            return
        call.told = True
        if self._guest is call:
            self._guest = None
            if call.counted:
                channel.counted += 1
            driver.left(worker, call)
        elif worker.handle.ended_at is None:
            if driver.given_up(channel, call):
                driver.pool.occupy(worker)  # it is freed when the backend has ended the call
            elif call.id is not None and not call.counted:
                worker.served += 1
                driver.pool.last_done = max(driver.pool.last_done, channel.last_done)
