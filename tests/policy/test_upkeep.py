"""What a supervisor notices by itself: deadlines, age, health, idleness, the end of a drain."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bridgekit.errors import BackendError, CallTimeout
from bridgekit.policy.supervised import Supervised
from bridgekit.policy.upkeep import Upkeep
from tests.support.supervised_world import World


def world(**plan: Any) -> World:
    return World(Supervised(**plan))


# --- deadlines ------------------------------------------------------------------------------


def test_a_waiting_call_ends_at_its_deadline() -> None:
    w = world().up()
    w.call()
    waiting = w.call(deadline=w.now + 3)
    assert w.supervisor.wake_at == w.now + 3
    w.pass_time(3)
    (error,) = waiting.outcomes
    assert isinstance(error, CallTimeout)
    assert error.message.endswith(
        "work waited 3 s for a worker of backend 'echo' and got none in its time"
    )
    assert error.timeout == 3.0


def test_a_call_that_waited_in_vain_is_told_why_there_was_no_worker() -> None:
    def told(w: World) -> str:
        waiting = w.call(deadline=w.now + 1)
        w.pass_time(1)
        (error,) = waiting.outcomes
        assert isinstance(error, CallTimeout)
        return error.message.partition("in its time: ")[2]

    w = world(restart={"backoff": 5, "jitter": False}).up()
    w.supervisor.pause(w.now)
    w.sync()
    assert told(w) == "it is paused"
    w.supervisor.resume(w.now)
    w.sync()
    w.exit(w.worker(), "exit code 3")
    assert told(w) == "its process has ended (exit code 3), the next one starts in 4 s"
    w.pass_time(5)
    assert told(w) == "its process is still starting"
    w = World(Supervised(idle_timeout=1.0), limit=1).up()
    w.pass_time(1)
    w.finish_stops()
    other = w.add("other", Supervised())
    other.start(w.now)
    w.sync(other)
    assert told(w) == "the manager runs as many processes as it may (max_processes)"


def test_calls_wait_for_the_replacement_within_their_deadlines() -> None:
    w = world(restart={"backoff": 5, "jitter": False}).up()
    w.call()
    patient, hasty = w.call(deadline=w.now + 9), w.call(deadline=w.now + 2)
    w.exit(w.worker())
    w.pass_time(6)
    w.calm()
    assert isinstance(hasty.outcomes[0], CallTimeout)
    assert len(patient.sent_to) == 1


# --- idleness -------------------------------------------------------------------------------


def test_a_backend_that_nobody_calls_sleeps_and_the_next_call_wakes_it() -> None:
    w = world(workers=2, warm_spares=1, idle_timeout=10.0).up()
    w.pass_time(4)
    w.answer(w.call().sent_to[0])
    w.pass_time(9.9)
    assert w.states == ["ready"] * 3
    w.pass_time(0.2)
    assert w.states == ["stopping"] * 3
    w.finish_stops()
    assert w.states == ["idle"] * 3
    assert w.supervisor.wake_at == math.inf
    assert w.budget.used == 0
    call = w.call()
    w.calm()
    assert len(call.sent_to) == 1
    assert w.supervisor.restarts == 0


def test_a_call_as_the_idle_timer_fires_is_served() -> None:
    """Before the timer it holds the worker; after it, the call waits for the next process."""
    before = world(idle_timeout=10.0).up()
    before.now += 10.0
    call = before.call()
    before.supervisor.tick(before.now)
    before.sync()
    assert before.states == ["busy"]
    assert len(call.sent_to) == 1

    after = world(idle_timeout=10.0).up()
    after.now += 10.0
    after.supervisor.tick(after.now)
    call = after.call()
    second = after.call()
    assert after.states == ["stopping"]
    after.calm()
    after.answer(after.worker())
    after.answer(after.worker())
    assert (call.outcomes, second.outcomes) == (["result"], ["result"])
    assert after.worker().generation == 2


def test_health_checks_do_not_keep_a_backend_awake() -> None:
    w = world(idle_timeout=60.0, health={"interval": 5, "idle": True}).up()
    for _ in range(13):
        w.pass_time(5)
        for worker in w.pinged:
            w.supervisor.pong(worker, w.now)
        w.pinged.clear()
    w.finish_stops()
    assert w.states == ["idle"]


def test_long_calls_and_pauses_keep_a_backend_awake() -> None:
    w = world(idle_timeout=10.0).up()
    w.call()
    w.pass_time(100)
    assert w.states == ["busy"]
    w.answer(w.worker())
    w.supervisor.pause(w.now)
    w.sync()
    w.pass_time(100)
    assert w.states == ["paused"]


def test_a_failed_worker_stays_failed_while_the_others_sleep() -> None:
    w = world(workers=2, idle_timeout=10.0, restart="never").up()
    w.exit(w.worker(1))
    w.pass_time(11)
    w.finish_stops()
    assert w.states == ["idle", "failed"]


def test_an_idle_backend_can_be_stopped() -> None:
    w = world(idle_timeout=10.0).up()
    w.pass_time(11)
    w.finish_stops()
    w.supervisor.stop(w.now)
    w.sync()
    assert w.states == ["stopped"]
    with pytest.raises(BackendError):
        w.call()


# --- age ------------------------------------------------------------------------------------


def test_old_workers_are_replaced_not_all_together() -> None:
    w = world(workers=3, warm_spares=1, recycle={"age": 1000.0, "jitter": 0.3}).up()
    old = set(w.alive)
    w.pass_time(650)
    assert set(w.alive) == old
    moments = []
    for second in range(400):
        w.pass_time(1)
        if w.stopping:
            moments.append(second)
        w.calm()
    assert not old & set(w.alive)
    assert len(set(moments)) >= 4
    assert len(w.alive) == 4


# --- health ---------------------------------------------------------------------------------


def test_a_hung_worker_is_killed_and_replaced() -> None:
    w = world(health={"interval": 5, "timeout": 2}, restart={"backoff": 0}).up()
    call = w.call(deadline=w.now + 6)
    waiting = w.call()
    w.pass_time(5)
    assert w.pinged == [w.worker()]
    w.pass_time(1.9)
    assert not w.killed
    w.pass_time(0.2)
    assert w.killed == [w.worker()]
    w.exit(w.worker(), "killed by SIGKILL", None, signal="SIGKILL")
    death = w.supervisor.last_death
    assert death is not None
    assert death.reason == (
        "killed by SIGKILL, because it has not answered for 7.0 s, with 1 calls over their deadline"
    )
    assert call.outcomes == ["died"]
    w.calm()
    assert len(waiting.sent_to) == 1


def test_a_busy_worker_that_answers_is_left_alone() -> None:
    w = world(health={"interval": 5, "timeout": 2}).up()
    w.call(deadline=w.now + 6)
    for _ in range(100):
        w.pass_time(1)
        for worker in w.pinged:
            w.supervisor.pong(worker, w.now)
        w.pinged.clear()
    assert not w.killed


def test_a_silent_worker_whose_call_has_time_is_left_alone() -> None:
    w = world(health={"interval": 5, "timeout": 2}).up()
    w.call()
    w.pass_time(10_000)
    assert not w.killed
    assert len(w.pinged) == 1


def test_a_hung_worker_at_rest_is_found_where_that_is_wanted() -> None:
    w = world(health={"interval": 5, "timeout": 2, "idle": True}).up()
    w.pass_time(7)
    assert w.killed == [w.worker()]
    w.exit(w.worker())
    death = w.supervisor.last_death
    assert death is not None
    assert death.reason.endswith("because it has not answered for 7.0 s")


def test_without_health_checks_nothing_is_asked() -> None:
    w = world(health=None).up()
    w.call(deadline=w.now + 1)
    w.supervisor.pong(w.worker(), w.now)
    w.pass_time(1000)
    assert not w.pinged
    assert w.supervisor.wake_at == math.inf


def test_a_resting_backend_sets_no_timer() -> None:
    w = world(workers=2).up()
    assert w.supervisor.wake_at == math.inf
    w.answer(w.call().sent_to[0])
    assert w.supervisor.wake_at == w.now + 5.0
    w.pass_time(100)
    assert w.supervisor.wake_at == math.inf
    w.call()
    assert w.supervisor.wake_at == w.now + 5.0


def test_workers_that_start_or_pause_are_not_judged() -> None:
    w = world(workers=2)
    w.start()
    one, two = w.alive
    w.ready(one)
    w.call(deadline=w.now + 1)
    w.pass_time(5)
    assert w.pinged == [one]
    w.supervisor.pause(w.now)
    w.sync()
    w.pass_time(1000)
    assert not w.killed
    w.supervisor.resume(w.now)
    w.sync()
    assert two in w.alive
    w.pass_time(1)
    assert not w.killed, "it gets time to answer after a pause"


# --- drain ----------------------------------------------------------------------------------


def test_a_drain_waits_for_closed_workers_too() -> None:
    w = world().up()
    w.call()
    w.supervisor.pause(w.now)
    w.supervisor.drain(w.now)
    w.sync()
    assert w.states == ["paused"]
    w.answer(w.worker())
    assert w.states == ["stopping"]


def test_observed_steps_between_ready_and_busy() -> None:
    w = world().up()
    w.supervisor.observe(True)
    w.answer(w.call().sent_to[0])
    assert [(c.old, c.new) for c in w.changes[-2:]] == [("ready", "busy"), ("busy", "ready")]
    told = len(w.changes)
    w.supervisor.observe(False)
    w.call()
    assert len(w.changes) == told


def test_upkeep_leaves_the_stop_to_the_supervisor() -> None:
    one = Upkeep("echo", Supervised(), random=lambda: 0.5)
    with pytest.raises(NotImplementedError):
        one.drained(0.0)
    assert one._oldest_deadline(None) == math.inf  # type: ignore[arg-type]


def test_a_drain_ends_when_the_last_waiting_call_is_given_up() -> None:
    w = world()
    w.start()
    call, other = w.call(), w.call()
    w.supervisor.observe(True)
    w.give_up(other)
    w.supervisor.drain(w.now)
    w.give_up(call)
    assert w.states == ["stopping"]


def test_a_drain_ends_with_the_last_call() -> None:
    w = world().up()
    w.call()
    w.supervisor.drain(w.now)
    w.answer(w.worker())
    assert w.states == ["stopping"]


def test_a_leaving_worker_goes_with_its_last_call() -> None:
    w = world(concurrency=2).up()
    w.call()
    w.call()
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert w.states == ["busy", "ready"]
    w.answer(w.worker(0))
    assert not w.stopping
    w.answer(w.worker(0))
    assert w.stopping
    w.calm()
    assert w.states == ["ready"]


def test_a_worn_worker_is_replaced() -> None:
    w = world(recycle={"calls": 2, "jitter": 0}).up()
    for _ in range(2):
        w.answer(w.call().sent_to[0])
    assert w.states == ["ready", "starting"]
    w.calm()
    assert w.states == ["ready"]
    assert "it served 2 calls" in [change.reason for change in w.changes]


def test_steps_can_be_observed_without_health_checks() -> None:
    w = world(health=None).up()
    w.supervisor.observe(True)
    w.call()
    assert w.changes[-1].new == "busy"
