"""A backend that dies as soon as it is ready, for ten minutes of a clock that is only pretended.

Pure policy: no process is started. A hundred runs with different dice for the jitter; the worst
counts. What is counted are spawns within any 180 s, and runs that did not end as failed with the
whole story.
"""

from __future__ import annotations

import math
import random

from benchmarks import bars
from benchmarks.model import Row, Settings, Table
from bridgekit.errors import RestartLimitReached
from bridgekit.policy.actions import NeedProcess, Spawn
from bridgekit.policy.supervised import Supervised
from bridgekit.policy.supervision import Supervisor

TITLE = "a crash loop over ten simulated minutes"
BOTH_MODES = False
RUNS, MINUTES, WINDOW = 100, 10.0, 180.0
LIVES = (0.0, 0.2, 20.0, 35.0)
"""Seconds from ready to death; beyond ``stable_after`` without a served call changes nothing."""


def run(settings: Settings) -> Table:
    """The most spawns in a window, and runs without the right end."""
    runs = 3 if settings.quick else RUNS
    times, wrong = [], 0
    for seed in range(runs):
        for life in LIVES:
            spawned, ended = crash_loop(random.Random(seed), life)
            times.append(most_within(spawned))
            wrong += not ended
    note = f"{runs * len(LIVES)} runs, dead after {', '.join(f'{life:g}' for life in LIVES)} s"
    rows = (
        Row(
            "crashloop",
            "spawns",
            f"most spawns within {WINDOW:g} s",
            max(times),
            unit="spawns",
            absolute=note,
            bar=bars.bar("crashloop", "spawns"),
        ),
        Row(
            "crashloop",
            "unfinished",
            "runs that did not end as failed with the story",
            wrong,
            unit="runs",
            bar=bars.bar("crashloop", "unfinished"),
        ),
    )
    return Table("crashloop", TITLE, "", rows)


def crash_loop(dice: random.Random, life: float) -> tuple[list[float], bool]:
    """When processes were spawned, and whether it ended as failed and tells why."""
    now = 1000.0
    end = now + MINUTES * 60
    supervisor = Supervisor(
        "doomed", Supervised(), random=dice.random, oldest_deadline=lambda _: math.inf
    )
    spawned: list[float] = []
    supervisor.start(now)
    while now < end:
        worker = None
        while supervisor.outbox:
            for action in supervisor.take_actions():
                if isinstance(action, NeedProcess):
                    supervisor.granted(action.seat, now)
                elif isinstance(action, Spawn):
                    spawned.append(now)
                    worker = action.worker
        if worker is not None:
            supervisor.ready(worker, now)
            now += life
            supervisor.exited(worker, now, reason="exit code 3", code=3)
        elif supervisor.wake_at < end:
            now = max(now, supervisor.wake_at)
            supervisor.tick(now)
        else:
            break
    refusal = supervisor.pool.refusal
    error = None if refusal is None else refusal()
    told = isinstance(error, RestartLimitReached) and "exit code 3" in error.message
    return spawned, told


def most_within(times: list[float]) -> int:
    """The most spawns in any window."""
    return max(sum(start <= at <= start + WINDOW for at in times) for start in times)
