"""Walking down the stop ladder, for one backend or many at once, without a thread of its own.

Any number of threads may stop the same backend: they share one walk, and whoever is awake takes
the next step. An interrupted caller therefore leaves the walk where it is, for the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridgekit.host.shutdown import Step, stop_steps

if TYPE_CHECKING:
    from bridgekit.blocking.calls import Call
    from bridgekit.blocking.worker import Worker

__all__ = ["Walk", "stop_all"]


class Walk:
    """One backend's way down."""

    def __init__(self, worker: Worker, grace: float) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._goodbye: Call | None = None
        self._due = 0.0
        self._waits_for_reply = False
        self._steps: list[Step] = []
        self.hurry(grace)

    def hurry(self, grace: float) -> None:
        """Begin, or begin anew because somebody wants it sooner."""
        worker = self._worker
        with self._lock:
            polite = worker.session.state == "ready" and self._goodbye is None
            self._steps = list(stop_steps(grace, polite=polite))
            self._due = 0.0

    def advance(self) -> float | None:
        """Take the steps that are due; return when the next is (None: the process has ended)."""
        worker = self._worker
        if worker.exited.is_set():
            return None
        with self._lock:
            now = time.monotonic()
            if self._waits_for_reply and self._goodbye is not None and self._goodbye.done:
                self._due = now
            while self._steps and self._due <= now:
                step = self._steps.pop(0)
                self._take(step)
                self._waits_for_reply = step.until == "reply" and self._goodbye is not None
                self._due = now + (step.wait if step.until == "exit" or self._goodbye else 0.0)
            if not self._steps and self._due <= now:
                worker.give_up()
                return None
            return self._due

    def _take(self, step: Step) -> None:
        worker, child = self._worker, self._worker.child
        if step.action == "goodbye":
            self._goodbye = worker.say_goodbye()
        elif step.action == "eof":
            worker.channel.close_stdin()
        else:
            {"wake": child.resume, "terminate": child.terminate, "kill": child.kill}[step.action]()


def stop_all(workers: Iterable[Worker], grace: float | None = None) -> None:
    """Stop ``workers`` side by side and return when all have ended.

    ``grace`` is each one's ``stop_grace`` by default. When the caller is interrupted, all are
    killed on the way out.
    """
    workers = list(workers)
    nudge = threading.Event()
    try:
        walks = [worker.walk_down(grace) for worker in workers]
        for worker in workers:
            worker.listeners.add(nudge)
        while True:
            nudge.clear()
            due = [moment for walk in walks if (moment := walk.advance()) is not None]
            if not due:
                return
            nudge.wait(max(0.0, min(due) - time.monotonic()))
    except BaseException:
        for worker in workers:
            worker.child.kill()
        raise
    finally:
        for worker in workers:
            worker.listeners.discard(nudge)
