"""What a host asks of a supervisor, and what it tells it: starts, stops, pauses, exits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bridgekit.errors import BackendError
from bridgekit.policy.supervised import Supervised
from bridgekit.policy.upkeep import SAMPLE
from tests.support.supervised_world import Call, World

AT_ONCE: dict[str, Any] = {"backoff": 0, "jitter": False}


def world(**plan: Any) -> World:
    return World(Supervised(**plan))


def test_a_backend_that_was_not_started_refuses_calls() -> None:
    w = world()
    with pytest.raises(BackendError, match="'echo' is not started"):
        w.call()


def test_calls_wait_for_the_start() -> None:
    w = world(workers=2)
    w.start()
    calls = [w.call() for _ in range(3)]
    assert w.states == ["starting", "starting"]
    w.calm()
    assert [len(call.sent_to) for call in calls] == [1, 1, 0]
    w.answer(w.worker(0))
    assert len(calls[2].sent_to) == 1


def test_stop_rejects_what_waits_and_stops_every_process() -> None:
    w = world(workers=2).up()
    calls = [w.call() for _ in range(3)]
    w.supervisor.stop(w.now)
    w.sync()
    assert isinstance(calls[2].outcomes[0], BackendError)
    assert w.states == ["stopping", "stopping"]
    w.finish_stops()
    assert w.states == ["stopped", "stopped"]
    assert [call.outcomes[0] for call in calls[:2]] == ["died", "died"]
    assert w.supervisor.wake_at == math.inf
    with pytest.raises(BackendError, match="stopped by its host"):
        w.call()


def test_idempotent_calls_are_not_sent_again_by_a_backend_that_stops() -> None:
    w = world(workers=2).up()
    call = w.call(idempotent=True)
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    assert call.outcomes == ["died"]


def test_a_stop_during_the_start_ignores_the_handshake() -> None:
    w = world()
    w.start()
    w.supervisor.stop(w.now)
    w.sync()
    (worker,) = w.alive
    w.supervisor.ready(worker, w.now)
    assert w.states == ["stopping"]
    w.finish_stops()
    assert w.states == ["stopped"]
    assert len(w.spawned) == 1


def test_a_start_during_the_stop_waits_for_the_old_process() -> None:
    w = world().up()
    w.supervisor.stop(w.now)
    w.supervisor.start(w.now)
    w.sync()
    call = w.call()
    assert w.states == ["stopping"]
    w.calm()
    assert w.states == ["busy"]
    assert len(call.sent_to) == 1
    assert w.worker().generation == 2


def test_a_stop_after_a_start_during_a_stop_wins() -> None:
    w = world().up()
    w.supervisor.stop(w.now)
    w.supervisor.start(w.now)
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    assert w.states == ["stopped"]


def test_a_permit_that_comes_after_the_stop_is_given_back() -> None:
    w = world()
    w.supervisor.start(w.now)
    seat = w.supervisor.seats[0]
    w.supervisor.stop(w.now)
    w.supervisor.take_actions()
    w.supervisor.granted(seat, w.now)
    w.supervisor.denied(seat, w.now)
    assert [type(action).__name__ for action in w.supervisor.outbox] == ["ReleaseProcess"]


def test_a_permit_that_is_granted_twice_counts_once() -> None:
    w = world()
    w.start()
    w.supervisor.granted(w.supervisor.seats[0], w.now)
    assert not w.supervisor.outbox


def test_drain_serves_what_was_accepted_and_then_stops() -> None:
    w = world().up()
    calls = [w.call(), w.call()]
    w.supervisor.drain(w.now)
    w.sync()
    with pytest.raises(BackendError, match="being stopped"):
        w.call()
    w.answer(w.worker())
    assert w.states == ["busy"]
    w.answer(w.worker())
    assert w.states == ["stopping"]
    assert [call.outcomes for call in calls] == [["result"], ["result"]]


def test_drain_ends_when_the_last_waiting_call_is_given_up() -> None:
    w = world()
    w.start()
    call = w.call()
    w.supervisor.drain(w.now)
    w.sync()
    w.give_up(call)
    assert w.states == ["stopping"]


def test_drain_of_a_backend_that_is_not_on_does_nothing() -> None:
    w = world()
    w.supervisor.drain(w.now)
    assert not w.supervisor.outbox
    assert not w.supervisor.draining


def test_pause_keeps_calls_waiting_and_resume_sends_them() -> None:
    w = world(workers=2).up()
    first = w.call()
    w.supervisor.pause(w.now)
    w.sync()
    assert w.states == ["paused", "paused"]
    second = w.call()
    assert not second.sent_to
    w.answer(w.worker(0))
    assert first.outcomes == ["result"], "what ran before the pause may still end"
    w.supervisor.resume(w.now)
    w.sync()
    assert not w.frozen
    assert len(second.sent_to) == 1


def test_a_worker_that_gets_ready_during_the_pause_is_paused() -> None:
    w = world(warm_spares=1)
    w.start()
    w.supervisor.pause(w.now)
    w.calm()
    assert w.states == ["paused", "paused"]
    w.supervisor.resume(w.now)
    w.sync()
    assert w.states == ["ready", "ready"]
    assert len(w.call().sent_to) == 1


def test_a_worker_that_dies_in_the_pause_is_restarted_and_paused() -> None:
    w = world(health=None, restart=AT_ONCE).up()
    w.supervisor.pause(w.now)
    w.sync()
    w.exit(w.worker())
    w.calm()
    assert w.states == ["paused"]
    w.supervisor.resume(w.now)
    w.sync()
    assert w.states == ["ready"]


def test_stop_ends_a_pause() -> None:
    w = world().up()
    w.supervisor.pause(w.now)
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    w.up()
    assert len(w.call().sent_to) == 1


def test_backends_share_the_processes_of_their_manager() -> None:
    w = World(Supervised(workers=3), limit=3)
    other = w.add("other", Supervised(workers=2))
    w.up()
    other.start(w.now)
    w.sync(other)
    assert len(w.alive) == 3
    w.exit(w.worker(0), "exit code 0", 0)
    assert [worker.handle.name for worker in w.alive] == ["echo", "echo"], "the seat is kept"
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    assert [worker.handle.name for worker in w.alive] == ["other", "other"]


# --- what is told ---------------------------------------------------------------------------


def test_an_exit_tells_which_calls_are_lost_and_when_it_goes_on() -> None:
    w = world(concurrency=2, restart={"backoff": 2.0, "jitter": False}).up()
    lost, again = w.call(), w.call(idempotent=True)
    after = w.exit(w.worker())
    assert after == ([lost], 2.0)
    assert not again.outcomes
    w.pass_time(2)
    w.calm()
    assert len(again.sent_to) == 2
    assert w.exit(w.worker()).lost == [again]


def test_an_exit_that_is_followed_by_a_start_in_the_same_step() -> None:
    w = world(restart=AT_ONCE).up()
    assert w.exit(w.worker()).next_restart == 0.0
    assert w.states == ["starting"]


def test_what_is_late_for_a_process_is_ignored() -> None:
    w = world(restart=AT_ONCE).up()
    worker = w.worker()
    w.exit(worker)
    assert w.supervisor.exited(worker, w.now, reason="again") == ([], None)
    w.supervisor.ready(worker, w.now)
    w.supervisor.unresponsive(worker, w.now, "late")
    w.supervisor.pong(worker, w.now)
    w.supervisor.memory(worker, 1e12, w.now)
    assert w.supervisor.pool.done(worker, w.now) is None
    assert not w.supervisor.outbox
    assert w.states == ["starting"]


def test_a_bounced_call_waits_for_the_next_process_or_is_rejected() -> None:
    w = world(restart=AT_ONCE).up()
    worker = w.supervisor.pool.take(w.now)
    assert worker is not None
    call, other = Call(), Call()
    w.supervisor.bounced(worker, call, w.now)
    w.sync()
    assert w.killed == [worker]
    w.calm()
    assert call.sent_to == [w.worker()]
    w.supervisor.stop(w.now)
    w.supervisor.bounced(w.worker(), other, w.now)
    w.sync()
    assert isinstance(other.outcomes[0], BackendError)


def test_restart_replaces_spares_first_and_what_has_failed_too() -> None:
    w = world(workers=2, warm_spares=1, restart="never").up()
    w.exit(w.worker(0))
    old = set(w.alive)
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert not old & set(w.alive)
    assert w.states == ["ready"] * 3


def test_a_relief_takes_over_when_it_is_ready() -> None:
    w = world().up()
    w.supervisor.restart(w.now)
    w.sync()
    w.ready(w.worker(1))
    w.finish_stops()
    assert w.states == ["ready"]
    denied = World(Supervised(), limit=1).up()
    denied.supervisor.restart(denied.now)
    denied.sync()
    assert denied.states == ["stopping"]


def test_what_started_before_a_restart_is_replaced_when_it_is_ready() -> None:
    w = world(health={"idle": True})
    w.start()
    w.supervisor.restart(w.now)
    w.sync()
    w.calm()
    assert len(w.spawned) == 2
    w.supervisor.pong(w.worker(1), w.now)


def test_a_stop_takes_the_relief_along() -> None:
    w = world().up()
    w.supervisor.restart(w.now)
    w.supervisor.stop(w.now)
    w.sync()
    w.finish_stops()
    assert w.states == ["stopped"]


def test_memory_over_the_limit_has_the_worker_replaced() -> None:
    w = world(recycle={"memory": 2 << 20}).up()
    w.supervisor.memory(w.worker(), 1000.0, w.now)
    assert not w.supervisor.replacements
    w.supervisor.memory(w.worker(), float(2 << 20), w.now)
    assert w.supervisor.replacements


def test_memory_beyond_the_limit_costs_the_worker() -> None:
    w = world(limits={"rss": 2 << 20}).up()
    w.supervisor.memory(w.worker(), float(2 << 20), w.now)
    assert w.worker().doom is None
    w.call()
    assert w.supervisor.wake_at <= w.now + SAMPLE  # somebody looks while it works
    w.supervisor.tick(w.now + SAMPLE)
    assert w.supervisor.wake_at <= w.now + 2 * SAMPLE
    w.supervisor.memory(w.worker(), float(3 << 20), w.now)
    w.supervisor.memory(w.worker(), float(4 << 20), w.now)
    assert "3 MiB of memory, more than limits.rss allows (2 MiB)" in (w.worker().doom or "")


def test_a_doomed_or_leaving_worker_does_not_come_back_with_the_resume() -> None:
    w = world(workers=2).up()
    w.call()
    w.supervisor.unresponsive(w.worker(0), w.now, "test")
    w.supervisor.pause(w.now)
    w.supervisor.resume(w.now)
    w.sync()
    assert not w.worker(0).open
    assert w.worker(1).open


def test_a_start_leaves_delays_and_begins_what_ended() -> None:
    w = world(workers=2, restart={"backoff": 5, "jitter": False}).up()
    w.exit(w.worker(0))
    w.start()
    assert w.states == ["backing-off", "ready"]
    w.supervisor.restart(w.now)  # but who says so now means now
    w.sync()
    assert w.states[0] == "starting"


def test_restart_leaves_alone_what_is_going_anyway() -> None:
    w = world(workers=2).up()
    w.call()
    w.supervisor.retire(w.supervisor.seats[0], w.now, "test", "start")
    w.supervisor.restart(w.now)
    w.sync()
    w.answer(w.worker(0))
    w.calm()
    assert len(w.spawned) == 4


def test_pause_and_resume_pass_over_what_is_not_there() -> None:
    w = world(workers=2, health=None, restart={"backoff": 9}).up()
    w.exit(w.worker(0))
    w.supervisor.pong(w.worker(1), w.now)
    w.supervisor.pause(w.now)
    w.supervisor.resume(w.now)
    w.sync()
    assert w.states == ["backing-off", "ready"]
