"""Walking down the stop ladder without a thread of its own: the janitor takes each step when due.

Any number of threads may want the same process stopped: they share one walk.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bridgekit.host.shutdown import Step, stop_steps

if TYPE_CHECKING:
    from bridgekit.blocking.worker import Worker
    from bridgekit.host.goodbye import Goodbye

__all__ = ["Walk"]


class Walk:
    """One process's way down; :meth:`advance` is for the janitor's thread alone."""

    def __init__(self, worker: Worker, grace: float) -> None:
        self._worker = worker
        self._goodbye: Goodbye | None = None
        self._polite = True
        self._due = 0.0
        self._waits_for_reply = False
        self._steps: list[Step] | None = None
        self._grace = grace
        self._until = time.monotonic() + grace

    def hurry(self, grace: float) -> None:
        """Begin anew if that ends sooner; who is more patient waits no longer for it."""
        until = time.monotonic() + grace
        if until < self._until:
            self._until = until
            self._grace = grace
            self._steps = None

    def answered(self) -> None:
        """The goodbye was answered: go on at once."""
        if self._waits_for_reply:
            self._due = 0.0

    def advance(self) -> float | None:
        """Take the steps that are due; return when the next is (None: the process has ended)."""
        worker = self._worker
        if worker.ended_at is not None:
            return None
        if self._steps is None:
            polite = self._goodbye is None and worker.session.state == "ready"
            self._steps = list(stop_steps(self._grace, polite=polite))
            self._due = 0.0
        now = time.monotonic()
        while self._steps and self._due <= now:
            step = self._steps.pop(0)
            said = self._take(step)
            self._waits_for_reply = step.until == "reply"
            self._due = now + (step.wait if said else 0.0)
        if not self._steps and self._due <= now:
            worker.give_up()
            return None
        return self._due

    def _take(self, step: Step) -> bool:
        """Take ``step``; return whether there is anything to wait for."""
        worker, child = self._worker, self._worker.child
        if step.action == "goodbye":
            self._goodbye = worker.say_goodbye()
            return self._goodbye is not None
        if step.action == "eof":
            worker.channel.close_stdin()
        else:
            {"wake": child.resume, "terminate": child.terminate, "kill": worker.force}[
                step.action
            ]()
        return True
