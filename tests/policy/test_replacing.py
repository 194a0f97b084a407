"""Replacing workers that work: one at a time, and without a failed call."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.policy.supervised import Supervised
from tests.support.supervised_world import World

AT_ONCE: dict[str, Any] = {"backoff": 0, "jitter": False}


def world(**plan: Any) -> World:
    return World(Supervised(**plan))


@pytest.mark.parametrize(
    ("plan", "limit"),
    [
        ({"workers": 3}, None),
        ({"workers": 3}, 3),
        ({"workers": 1}, 1),
        ({"workers": 1}, 2),
        ({"workers": 2, "warm_spares": 1}, None),
        ({"workers": 2, "warm_spares": 2}, 4),
    ],
)
def test_a_rolling_restart_replaces_all_and_fails_no_call(plan: Any, limit: int | None) -> None:
    w = World(Supervised(**plan), limit=limit).up()
    old = set(w.alive)
    w.supervisor.restart(w.now)
    w.sync()
    for _ in range(200):
        w.call()
        for worker in list(w.alive):
            if w.alive[worker]:
                w.answer(worker)
                break
        w.get_ready()
        w.finish_stops()
        w.now += 0.01
    while any(w.alive.values()):
        w.answer(next(worker for worker in w.alive if w.alive[worker]))
    w.calm()
    assert {tuple(call.outcomes) for call in w.calls} == {("result",)}
    assert not old & set(w.alive)
    assert len(w.alive) == plan["workers"] + plan.get("warm_spares", 0)
    assert not w.supervisor.replacements
    assert w.supervisor.restarts == 0, "a deliberate restart is not held against a backend"


def test_a_rolling_restart_replaces_also_what_is_just_starting() -> None:
    w = world()
    w.start()
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert len(w.spawned) == 2
    assert w.states == ["ready"]


def test_a_rolling_restart_is_not_over_before_what_starts_slowly_is_replaced() -> None:
    w = world(workers=2)
    w.start()
    quick, slow = w.worker(0), w.worker(1)
    w.ready(quick)
    w.supervisor.restart(w.now)
    w.sync()
    for worker in set(w.alive) - {quick, slow}:
        w.ready(worker)
    w.finish_stops()
    assert quick not in w.alive
    assert w.supervisor.replacements, "the slow one is of before the restart"
    w.calm()
    assert slow not in w.alive
    assert not w.supervisor.replacements


def test_restart_of_a_stopped_backend_starts_it_once() -> None:
    w = world(workers=2)
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert len(w.spawned) == 2


def test_restart_while_it_stops_starts_it_again() -> None:
    w = world().up()
    w.supervisor.stop(w.now)
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert w.states == ["ready"]
    assert len(w.spawned) == 2


def test_a_heavy_worker_is_replaced() -> None:
    w = world(recycle={"memory": 1 << 20}, limits={"rss": 2 << 20}).up()
    worker = w.worker()
    w.supervisor.memory(worker, 1000.0, w.now)
    assert not w.supervisor.replacements
    for _ in range(3):
        w.supervisor.memory(worker, float(1 << 20), w.now)
    w.sync()
    w.calm()
    assert len(w.spawned) == 2
    assert "it uses 1 MiB of memory" in [change.reason for change in w.changes]


def test_observed_steps_between_ready_and_busy() -> None:
    w = world().up()
    w.supervisor.observe(True)
    w.call()
    w.answer(w.worker())
    assert [(c.old, c.new) for c in w.changes[-2:]] == [("ready", "busy"), ("busy", "ready")]
    told = len(w.changes)
    w.supervisor.observe(False)
    w.call()
    assert len(w.changes) == told


def test_a_relief_that_cannot_start_leaves_the_old_worker_at_work() -> None:
    w = world(restart={"mode": "never", "window": 60}).up()
    old = w.worker()
    w.supervisor.restart(w.now)
    w.sync()
    assert w.states == ["ready", "starting"]
    relief = w.worker(1)
    w.exit(relief, "no such file", None, permanent=True)
    assert w.states == ["ready"]
    assert len(w.call().sent_to) == 1
    w.answer(old)
    assert not w.supervisor.replacements
    w.pass_time(61)
    w.calm()
    assert w.alive.keys() == {w.worker(1)}, "it is tried again after a while"


def test_a_relief_that_backs_off_is_waited_for() -> None:
    w = world(restart={"backoff": 2, "jitter": False}).up()
    old = w.worker()
    w.supervisor.restart(w.now)
    w.sync()
    w.exit(w.worker(1))
    assert w.states == ["ready", "backing-off"]
    w.pass_time(2)
    w.calm()
    assert old not in w.alive
    assert w.states == ["ready"]


def test_a_worker_that_dies_while_its_relief_starts_restarts_by_itself() -> None:
    w = world(restart=AT_ONCE).up()
    w.supervisor.restart(w.now)
    w.sync()
    w.exit(w.worker(0))
    assert w.states == ["starting", "stopping"]
    w.calm()
    assert w.states == ["ready"]
    assert not w.supervisor.replacements


def test_a_worker_that_dies_while_it_leaves_is_not_restarted() -> None:
    w = world().up()
    call = w.call()
    w.supervisor.restart(w.now)
    w.sync()
    w.ready(w.worker(1))
    w.exit(w.worker(0))
    assert call.outcomes == ["died"]
    assert w.states == ["ready"]
    assert w.supervisor.restarts == 0
    assert not w.supervisor.replacements


def test_a_worker_that_waits_for_its_turn_may_be_gone_by_then() -> None:
    w = World(Supervised(workers=2, restart=AT_ONCE), limit=2).up()
    w.supervisor.restart(w.now)
    w.sync()
    assert w.states == ["stopping", "ready"]
    w.exit(w.worker(1))
    w.calm()
    assert len(w.spawned) == 4
    assert w.states == ["ready", "ready"]


def test_newcomers_that_fail_leave_the_rest_at_work() -> None:
    w = World(Supervised(workers=2, restart="never"), limit=2).up()
    w.supervisor.restart(w.now)
    w.sync()
    w.exit(w.stopping[0], "stopped", 0)
    w.exit(w.worker(0))
    assert w.states == ["failed", "ready"]
    assert not w.supervisor.replacements
    w.pass_time(181)
    w.calm()
    assert len(w.spawned) == 4, "it is tried again after a while"


def test_a_stop_ends_all_replacing() -> None:
    w = world(workers=2).up()
    w.supervisor.restart(w.now)
    w.sync()
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    assert w.states == ["stopped", "stopped"]
    w.up()
    assert w.states == ["ready", "ready"]


def test_a_stop_while_the_old_worker_leaves_keeps_the_newcomer_in_the_plan() -> None:
    w = world().up()
    w.call()
    w.supervisor.restart(w.now)
    w.sync()
    w.ready(w.worker(1))
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    w.up()
    assert w.states == ["ready"]


def test_a_pause_puts_replacing_off() -> None:
    w = world().up()
    w.supervisor.pause(w.now)
    w.supervisor.restart(w.now)
    w.sync()
    assert w.states == ["paused"]
    w.supervisor.resume(w.now)
    w.sync()
    w.calm()
    assert len(w.spawned) == 2


def test_workers_of_one_start_are_recycled_one_by_one_at_different_calls() -> None:
    w = world(workers=4, recycle={"calls": 100, "jitter": 0.5}).up()
    old = set(w.alive)
    left: list[int] = []
    for number in range(450):
        call = w.call()
        w.answer(call.sent_to[0])
        starting = [x for x in w.alive if x not in w.is_ready]
        assert len(starting) + len(w.stopping) <= 2, "one at a time"
        w.calm()
        gone = old - set(w.alive)
        left += [number] * (len(gone) - len(left))
    assert len(set(left)) == 4
    assert all(call.outcomes == ["result"] for call in w.calls)
    assert [len(w.alive), w.supervisor.restarts] == [4, 0]


def test_a_worker_is_to_be_replaced_once_however_often_that_is_said() -> None:
    w = world(workers=2).up()
    w.supervisor.restart(w.now)
    for _ in range(3):
        w.supervisor.replacements.add(w.worker(1), "again")
    w.sync()
    w.calm()
    assert len(w.spawned) == 4


def test_a_refusal_that_comes_late_changes_nothing() -> None:
    w = world().up()
    w.supervisor.restart(w.now)
    w.sync()
    w.exit(w.worker(0))
    seat = w.supervisor.add_seat("relief")
    w.supervisor.replacements.refused(seat, w.now)
    assert seat.number not in w.supervisor.seats
    assert w.states == ["backing-off", "stopping"]


def test_a_relief_that_has_left_by_itself_is_not_ended_again() -> None:
    w = world().up()
    w.supervisor.restart(w.now)
    w.sync()
    relief = w.supervisor.seats[1]
    w.supervisor.end(relief, w.now, "test", "leave")
    w.sync()
    w.finish_stops()
    assert w.states == ["ready"]
    assert not w.supervisor.replacements
