"""The path of calls to the workers of one backend and back: the busy half of its driver."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from bridgekit.host.facts import resident_memory
from bridgekit.policy.upkeep import SAMPLE

if TYPE_CHECKING:
    from bridgekit.host.entries import Entry
    from bridgekit.host.pending import PendingCall
    from bridgekit.policy.pooling import Worker
    from bridgekit.policy.supervision import Supervisor

__all__ = ["Carrier"]

_monotonic = time.monotonic


class Carrier:
    """Sends calls to the workers that the pool chooses; :class:`Driver` is the whole."""

    samples = False

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.pool = supervisor.pool
        self.processes: dict[Any, None] = {}
        self.wake_at = math.inf
        self._sample_at = 0.0

    def sync(self) -> None:
        """Perform what is to be done, and set the timer."""
        raise NotImplementedError

    def write(self, process: Any, entry: Entry, seconds: float | None) -> Any:
        """Send ``entry`` and return the call to wait for; raise what the session raises."""
        raise NotImplementedError

    def admit(self, entry: Entry) -> None:
        """Send ``entry`` or let it wait; raises QueueFull, or why no calls are taken."""
        now = _monotonic()
        worker = self.pool.take(now)
        if worker is None:
            entry.ticket = self.pool.enqueue(entry, now, entry.priority, entry.deadline)
        else:
            self.send(worker, entry)
        self.after()

    def enqueue(self, entry: Entry) -> None:
        """Let ``entry`` wait, after ``pool.take`` had no worker; raises as :meth:`admit`."""
        entry.ticket = self.pool.enqueue(entry, _monotonic(), entry.priority, entry.deadline)
        self.after()

    def send(self, worker: Worker, entry: Entry) -> None:
        """Send ``entry`` to ``worker``, where its place is taken."""
        while True:
            process = worker.handle
            entry.worker, entry.ticket = worker, None
            if entry.idempotent:
                process.entries[entry] = None
            if not entry.sends:
                entry.wake()
                return
            now = _monotonic()
            left = None if entry.timeout is None else max(0.0, entry.deadline - now)
            try:
                entry.call = self.write(process, entry, left)
            except Exception as error:
                process.entries.pop(entry, None)
                entry.worker = None
                if process.session.refuses:
                    self.supervisor.bounced(worker, entry, now)
                    return
                entry.fail(error)
                follow = self.pool.unused(worker, now)
                if follow is None:
                    return
                entry = follow.call
                continue
            entry.call.timeout = entry.timeout
            entry.wake()
            return

    def free(self, worker: Worker) -> None:
        """A call at ``worker`` has ended, in whatever way: its place is free."""
        if worker.handle.ended_at is not None:
            return
        now = _monotonic()
        follow = self.pool.done(worker, now)
        if follow is not None:
            self.send(worker, follow.call)
        if self.samples:
            self.sample(now)
        self.after()

    def lodge(self, worker: Worker) -> None:
        """The call at ``worker`` is a long one that keeps no other from a place."""
        if worker.handle.ended_at is None:
            self.pool.lodge(worker, _monotonic())
            self.after()
        else:
            worker.guests += 1

    def depart(self, worker: Worker) -> None:
        """What was lodged at ``worker`` is over; :meth:`free` comes next."""
        self.pool.depart(worker)

    def unused(self, worker: Worker) -> None:
        """The place at ``worker`` was taken for a call that was never sent."""
        if worker.handle.ended_at is not None:
            return
        follow = self.pool.unused(worker, _monotonic())
        if follow is not None:
            self.send(worker, follow.call)
        self.after()

    def left(self, worker: Worker, call: PendingCall | None) -> None:
        """Nobody waits for ``call`` any more (None: it was never sent).

        A call that was given up holds its place until the backend has ended it.
        """
        if call is None or call.id is None:
            self.unused(worker)
            return
        session = worker.handle.session
        if call.id in session.abandoned:
            session.afterwards[call.id] = lambda: self.free(worker)
        else:
            self.free(worker)

    def drop(self, entry: Entry) -> None:
        """The caller of ``entry`` went away: it is not sent, or given up, or its place is free."""
        ticket, worker, call = entry.ticket, entry.worker, entry.call
        if ticket is not None and ticket.waiting:
            self.pool.discard(ticket, _monotonic())
            entry.ticket = None  # they would keep each other
            self.after()
        elif worker is not None:
            worker.handle.entries.pop(entry, None)
            if call is not None and not call.done:
                worker.handle.channel.abandon(call)
            self.left(worker, call)

    def after(self) -> None:
        """After the pool was used: do what came of it, if anything did."""
        supervisor = self.supervisor
        if supervisor.outbox or supervisor.wake_at < self.wake_at:
            self.sync()

    def sample(self, now: float) -> None:
        """Look at the memory of the workers, but not all the time."""
        if now < self._sample_at:
            return
        self._sample_at = now + SAMPLE
        for process in tuple(self.processes):
            used = resident_memory(process.child.pid)
            if used is not None:
                self.supervisor.memory(process.worker, used, now)
