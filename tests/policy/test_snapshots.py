"""Statuses made of what a supervisor knows."""

from __future__ import annotations

from typing import Any

from bridgekit.policy.latency import Latency
from bridgekit.policy.pooling import Worker
from bridgekit.policy.snapshots import backend_status, worker_statuses
from bridgekit.policy.status import BackendStatus, LastExit
from bridgekit.policy.supervised import Supervised
from tests.support.supervised_world import World


def nothing(worker: Worker) -> dict[str, Any]:
    return {}


def whole(w: World, **own: Any) -> BackendStatus:
    return backend_status(w.supervisor, w.now, nothing, **own)


def test_a_backend_that_was_never_started() -> None:
    w = World(Supervised())
    status = whole(w)
    assert (status.state, status.pid, status.uptime) == ("stopped", None, 0.0)
    assert (status.in_flight, status.queued, status.memory) == (0, 0, None)
    assert status.last_exit is None
    assert worker_statuses(w.supervisor, w.now, nothing) == ()


def test_sums_and_states_of_a_pool_at_work() -> None:
    w = World(Supervised(workers=2)).up()
    for _ in range(5):
        w.call()
    w.answer(w.worker(1))
    w.supervisor.latency.record(0.25)
    w.now += 7.0

    def facts(worker: Worker) -> dict[str, Any]:
        return {"memory": 1000, "methods": ("work",), "late_replies": worker.seat.number}

    status = backend_status(w.supervisor, w.now, facts, calls=10, executable_exists=True)
    assert (status.state, status.in_flight, status.queued) == ("busy", 2, 2)
    assert (status.pid, status.uptime, status.methods) == (100, 7.0, ("work",))
    assert (status.memory, status.cpu, status.calls, status.late_replies) == (2000, None, 11, 1)
    assert status.latency == Latency(0.25, 0.25, 0.25, 0.25)
    assert status.executable_exists
    assert status.worker is None
    one, two = worker_statuses(w.supervisor, w.now, facts)
    assert (one.worker, one.state, one.pid, one.calls) == (0, "busy", 100, 0)
    assert (two.worker, two.state, two.pid, two.calls) == (1, "busy", 101, 1)


def test_a_backend_that_is_paused_while_it_rests_is_paused() -> None:
    w = World(Supervised(idle_timeout=1.0)).up()
    w.pass_time(1.0)
    w.finish_stops()
    assert whole(w).state == "idle"
    w.supervisor.pause(w.now)
    assert whole(w).state == "paused"
    w.supervisor.resume(w.now)
    assert whole(w).state == "idle"


def test_the_last_exit_and_the_restarts() -> None:
    w = World(Supervised(workers=2, restart={"backoff": 3, "jitter": False})).up()
    w.now += 4.0
    w.exit(w.worker(0), "killed by SIGKILL", -9, signal="SIGKILL")
    gone = LastExit(-9, "SIGKILL", "killed by SIGKILL")
    first, second = worker_statuses(w.supervisor, w.now, nothing)
    assert (first.state, first.pid, first.uptime, first.last_exit) == (
        "backing-off",
        None,
        4.0,
        gone,
    )
    assert second.last_exit is None
    assert (whole(w).state, whole(w).pid, whole(w).last_exit) == ("ready", 101, gone)
    w.pass_time(3)
    assert whole(w).restarts == 1
    assert whole(w, calls=3).calls == 3


def test_the_counts_of_the_past_stay_when_no_process_is_left() -> None:
    w = World(Supervised())
    assert whole(w, calls=3).calls == 3
