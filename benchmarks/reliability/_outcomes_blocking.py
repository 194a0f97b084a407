"""The trial of :mod:`benchmarks.reliability.outcomes` from plain threads on the blocking face.

A thread cannot be cancelled. What gives a call up here is a timeout of less than a millisecond,
after which the host cancels the call in the backend as it does for a cancelled task.
"""

from __future__ import annotations

import collections
import os
import random
import signal
import sys
import threading
import time
from typing import Any

from benchmarks.competitors.base import BACKENDS

__all__ = ["measure"]

_THREADS = 50
_PATIENCE = 60.0
"""Seconds after which a call that has not ended counts as one that never will."""


class _Trial:
    """Threads that share one backend, which is started again whenever it was killed."""

    def __init__(self, manager: Any, calls: int, blows: int) -> None:
        dice = random.Random(20)
        hit = dice.sample(range(calls), blows)
        self.blows = {number: dice.choice(("kill", "cancel")) for number in hit}
        self.delays = {number: dice.uniform(1e-6, 0.0005) for number in hit}
        self.numbers = iter(range(calls))
        self.tally: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()
        self.backend = manager.spawn(
            str(BACKENDS / "bench.py"),
            concurrency=_THREADS,
            restart={"backoff": 0.0, "max_restarts": blows},
        )

    def work(self) -> None:
        """Make calls until all are made."""
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            started = time.monotonic()
            outcome = self.one(number)
            if time.monotonic() - started > _PATIENCE:
                print(f"call {number} took too long to end as {outcome}", file=sys.stderr)
                outcome = "wrong"
            with self.lock:
                self.tally[outcome] += 1

    def one(self, number: int) -> str:
        """One call, and what was decided to happen to it."""
        from bridgekit import BackendDied, CallTimeout

        blow = self.blows.get(number)
        killer = None
        if blow == "kill":
            killer = threading.Timer(self.delays[number], self.strike, [self.backend.pid])
            killer.start()
        timeout = self.delays[number] if blow == "cancel" else 30
        try:
            reply = self.backend.call("echo", {"value": number}, timeout=timeout)
        except BackendDied:
            return "died"
        except CallTimeout:
            return "cancelled" if blow == "cancel" else "wrong"
        except Exception as error:
            print(f"call {number}: {error!r}", file=sys.stderr)
            return "wrong"
        finally:
            if killer is not None:
                killer.join()
        return "result" if reply == number else "wrong"

    @staticmethod
    def strike(pid: int) -> None:
        """Kill the child; another thread may have been faster."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def measure(calls: int, blows: int) -> dict[str, int]:
    """In a process of its own; a call that hangs is missing in what is returned."""
    from bridgekit.blocking import ProcessManager

    with ProcessManager() as manager:
        trial = _Trial(manager, calls, blows)
        threads = [threading.Thread(target=trial.work, daemon=True) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                before = trial.tally.total()
                thread.join(2 * _PATIENCE)
                if thread.is_alive() and trial.tally.total() == before:
                    return dict(trial.tally)
        return dict(trial.tally)
