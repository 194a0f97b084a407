"""Deaths and what follows them: restarts, failure with its story, spares that take over."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from bridgekit.errors import BackendDied, BackendError, BackendStartError, RestartLimitReached
from bridgekit.policy.supervised import Supervised
from tests.support.supervised_world import Call, World

AT_ONCE: dict[str, Any] = {"backoff": 0, "jitter": False}


def world(**plan: Any) -> World:
    return World(Supervised(**plan))


def test_a_death_is_followed_by_a_restart_after_the_delay() -> None:
    w = world(restart={"backoff": 2.0, "jitter": False}).up()
    call = w.call()
    waiting = w.call()
    after = w.exit(w.worker())
    assert (after.next_restart, call.outcomes) == (2.0, ["died"])
    assert w.states == ["backing-off"]
    w.pass_time(1.9)
    assert w.states == ["backing-off"]
    w.pass_time(0.2)
    assert w.states == ["starting"]
    w.calm()
    assert len(waiting.sent_to) == 1
    assert w.supervisor.restarts == 1
    assert w.supervisor.seats[0].restarts == 1


def test_without_a_delay_the_next_process_is_asked_for_in_the_same_step() -> None:
    w = world(restart=AT_ONCE).up()
    assert w.exit(w.worker()).next_restart == 0.0
    assert w.states == ["starting"]


def test_an_idempotent_call_is_sent_once_more_and_only_once() -> None:
    w = world(restart=AT_ONCE).up()
    call = w.call(idempotent=True)
    behind = w.call()
    w.exit(w.worker())
    assert not call.outcomes
    w.calm()
    assert len(call.sent_to) == 2
    w.exit(w.worker())
    assert call.outcomes == ["died"]
    w.calm()
    assert len(behind.sent_to) == 1


def test_calls_sent_again_keep_their_order() -> None:
    w = world(concurrency=3, restart=AT_ONCE).up()
    calls = [w.call(idempotent=True) for _ in range(3)]
    w.exit(w.worker())
    w.calm()
    assert w.alive[w.worker()] == calls


def test_an_exit_that_is_told_twice_counts_once() -> None:
    w = world(restart=AT_ONCE).up()
    worker = w.worker()
    w.exit(worker)
    again = w.supervisor.exited(worker, w.now, reason="again")
    assert again == ([], None)
    assert w.supervisor.pool.done(worker, w.now) is None, "late things hurt nobody"
    assert w.states == ["starting"]


def test_a_broken_wire_sends_the_call_to_the_next_worker_and_kills_this_one() -> None:
    w = world(restart=AT_ONCE).up()
    worker = w.supervisor.pool.take(w.now)
    assert worker is not None
    call = Call()
    w.supervisor.bounced(worker, call, w.now, reason="its pipe is closed")
    w.sync()
    assert w.killed == [worker]
    w.exit(worker, "killed by SIGKILL", None)
    death = w.supervisor.last_death
    assert death is not None
    assert death.reason == "killed by SIGKILL, because its pipe is closed"
    w.calm()
    assert call.sent_to == [w.worker()]


def test_a_broken_wire_of_a_backend_that_has_stopped_rejects_the_call() -> None:
    w = world().up()
    worker = w.supervisor.pool.take(w.now)
    assert worker is not None
    w.supervisor.stop(w.now)
    call = Call()
    w.supervisor.bounced(worker, call, w.now)
    w.sync()
    assert isinstance(call.outcomes[0], BackendError)


def test_an_unresponsive_worker_is_killed_once() -> None:
    w = world().up()
    w.call()
    for _ in range(2):
        w.supervisor.unresponsive(w.worker(), w.now, "'work' did not end when it was cancelled")
        w.sync()
    assert w.killed == [w.worker()]


def test_a_crash_loop_of_ten_minutes_ends_in_failure_with_its_story() -> None:
    """Hours of restarts in milliseconds: every process dies as soon as it is ready."""
    w = World(Supervised(), draw=random.Random(7).random)
    w.start()
    waiting = w.call()
    end = w.now + 600
    while w.now < end:
        for worker in list(w.alive):
            w.ready(worker)
            w.exit(worker, "exit code 0", 0)
        w.pass_time(0.25)
    times = [at for at, _ in w.spawned]
    assert most_within(times, 180.0) == 6
    assert w.states == ["failed"]
    assert waiting.outcomes == ["died"], "it was in flight when the first process died"
    with pytest.raises(RestartLimitReached) as caught:
        w.call()
    text = caught.value.message
    assert "it died 6 times within 180 s, and at most 5 restarts are allowed" in text
    assert [f"  {n}." in text for n in range(1, 7)] == [True] * 6
    assert caught.value.backend == "echo"
    assert w.supervisor.wake_at == math.inf, "a failed backend costs nothing"


def test_a_slow_crash_loop_never_exceeds_the_intensity_for_a_whole_day() -> None:
    w = World(Supervised(), draw=random.Random(3).random)
    w.start()
    end = w.now + 86_400
    while w.now < end and w.states != ["failed"]:
        w.calm()
        w.pass_time(50.0)
        for worker in list(w.alive):
            w.exit(worker)
        w.pass_time(30.0)
    assert most_within([at for at, _ in w.spawned], 180.0) <= 6
    assert len(w.spawned) > 1000


def most_within(times: list[float], window: float) -> int:
    return max(sum(1 for t in times if start <= t <= start + window) for start in times)


def test_waiting_calls_end_in_the_failure() -> None:
    w = world(restart="never").up()
    w.call()
    waiting = w.call(idempotent=True)
    w.exit(w.worker(), "killed by SIGSEGV", None, signal="SIGSEGV")
    error = waiting.outcomes[0]
    assert isinstance(error, BackendDied)
    assert error.signal == "SIGSEGV"
    assert "its restart policy is 'never'" in error.message
    assert w.states == ["failed"]


def test_a_permanent_failure_is_not_tried_again() -> None:
    w = world()
    w.start()
    waiting = w.call()
    w.exit(next(iter(w.alive)), "no such file: counter.py", None, permanent=True)
    assert isinstance(waiting.outcomes[0], BackendStartError)
    assert "no such file: counter.py" in str(waiting.outcomes[0])
    w.pass_time(1000)
    assert len(w.spawned) == 1


def test_a_failed_backend_can_be_started_again() -> None:
    w = world(restart="never").up()
    w.exit(w.worker())
    assert w.states == ["failed"]
    w.start()
    w.calm()
    assert w.states == ["ready"]
    w.exit(w.worker())
    w.supervisor.stop(w.now)
    w.sync()
    assert w.states == ["stopped"]


def test_one_failed_worker_leaves_the_others_at_work() -> None:
    w = world(workers=2, restart="never").up()
    w.exit(w.worker(0))
    assert w.states == ["failed", "ready"]
    assert len(w.call().sent_to) == 1
    w.start()
    w.calm()
    assert sorted(w.states) == ["busy", "ready"]


def test_a_start_does_not_cut_a_delay_short() -> None:
    w = world(workers=2, restart={"backoff": 5, "jitter": False}).up()
    w.exit(w.worker(0))
    w.start()
    assert w.states == ["backing-off", "ready"]


def test_a_backend_that_ends_well_is_left_alone() -> None:
    w = world(workers=2, warm_spares=1).up()
    for seat in (0, 1):
        w.call()
        w.call()
        w.answer(w.worker(0))
        w.answer(w.worker(1)) if not seat else None
    w.pass_time(60)
    assert w.exit(w.worker(0), "exit code 0", 0).next_restart is None
    assert w.states[0] == "stopped"
    w.answer(w.worker(1))
    w.exit(w.worker(1), "exit code 0", 0)
    w.finish_stops()
    assert w.states == ["stopped"] * 3
    with pytest.raises(BackendError, match=r"ended by itself \(exit code 0\)"):
        w.call()


def test_a_spare_takes_over_at_once() -> None:
    w = world(warm_spares=1, restart={"backoff": 9, "jitter": False}).up()
    call = w.call(idempotent=True)
    w.exit(w.worker(0))
    assert w.states == ["backing-off", "busy"]
    assert len(call.sent_to) == 2
    assert [seat.role for seat in w.supervisor.seats.values()] == ["spare", "duty"]
    w.pass_time(10)
    w.calm()
    assert w.states == ["ready", "busy"]


def test_a_spare_that_comes_while_a_worker_backs_off_takes_over() -> None:
    w = world(warm_spares=1, restart={"backoff": 9, "jitter": False})
    w.start()
    first, spare = w.alive
    w.exit(first)
    w.ready(spare)
    assert w.states == ["backing-off", "ready"]
    assert len(w.call().sent_to) == 1


def test_a_crash_loop_draws_on_one_account_however_many_spares_there_are() -> None:
    w = world(warm_spares=2).up()
    for _ in range(100):
        for worker in list(w.alive):
            if worker in w.is_ready and worker.open:
                w.exit(worker)
        w.calm()
        w.pass_time(1)
    assert len(w.spawned) <= 3 + 5
    assert not w.alive
    assert "failed" in w.states


# --- steps ----------------------------------------------------------------------------------


def test_a_seat_that_is_being_left_is_begun_again_unless_it_leaves_for_good() -> None:
    w = world(workers=2, health=None).up()
    keeper = w.supervisor
    one, two = keeper.seats.values()
    keeper.retire(one, w.now, "test", "stop")
    keeper.retire(two, w.now, "test", "leave")
    keeper.begin(one, w.now, "wanted")
    keeper.begin(two, w.now, "wanted")
    w.sync()
    w.finish_stops()
    assert w.states == ["starting"]
    assert one.generation == 2


def test_a_seat_with_a_process_is_not_begun_twice() -> None:
    w = world().up()
    w.supervisor.begin(w.supervisor.seats[0], w.now, "wanted")
    assert not w.supervisor.outbox


def test_a_retired_worker_stays_until_its_calls_have_ended() -> None:
    w = world().up()
    keeper = w.supervisor
    w.call()
    keeper.retire(keeper.seats[0], w.now, "test", "rest")
    w.sync()
    assert not w.stopping
    w.answer(w.worker())
    assert w.stopping == [w.worker()]
    keeper.let_go(keeper.seats[0], w.now, "again")
    assert not keeper.outbox
    w.finish_stops()
    assert w.states == ["idle"]


def test_a_paused_worker_on_duty_gets_no_calls() -> None:
    w = world()
    w.supervisor.paused = True
    w.start()
    w.calm()
    assert w.states == ["paused"]
    assert not w.worker().open


def test_a_failed_seat_goes_on_showing_it_only_when_asked_to() -> None:
    w = world(workers=2, restart="never").up()
    w.exit(w.worker(0))
    w.exit(w.worker(1))
    seat = w.supervisor.seats[0]
    w.supervisor.end(seat, w.now, "test", "stop", keep_failed=True)
    assert seat.state == "failed"
    w.supervisor.end(seat, w.now, "test", "stop")
    w.supervisor.end(seat, w.now, "test", "stop")
    assert w.states == ["stopped", "failed"]


def test_a_seat_with_no_process_and_a_delay_can_leave() -> None:
    w = world(workers=2, restart={"backoff": 9, "jitter": False}).up()
    w.exit(w.worker(0))
    w.supervisor.end(w.supervisor.seats[0], w.now, "test", "leave")
    w.sync()
    assert w.states == ["ready"]
    assert w.budget.used == 1


def test_a_worker_that_leaves_is_no_hope() -> None:
    w = world(restart="never").up()
    w.call()
    w.supervisor.restart(w.now)
    w.sync()
    w.ready(w.worker(1))
    waiting = w.call(), w.call()
    w.exit(w.worker(1))
    assert isinstance(waiting[1].outcomes[0], BackendDied)
    w.finish_stops()
    assert w.states == ["failed"]
