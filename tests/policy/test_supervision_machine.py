"""Anything, in any order: what must hold whatever happens to a backend."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridgekit.errors import BackendError, QueueFull
from bridgekit.policy.supervised import Supervised
from tests.support.supervised_world import World


class AnythingHappens(RuleBasedStateMachine):
    """Any order of events: each call ends once, nothing exceeds its bounds, nothing is stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @precondition(lambda self: self.world is None)
    @rule(
        workers=st.integers(1, 3),
        concurrency=st.integers(1, 2),
        spares=st.integers(0, 2),
        limit=st.sampled_from([None, 1, 3]),
        idle=st.sampled_from([None, 5.0]),
        backoff=st.sampled_from([0, 0.1, 20.0]),
        calls=st.sampled_from([None, 3]),
        mode=st.sampled_from(["on-failure", "always", "never"]),
    )
    def begin(
        self,
        workers: int,
        concurrency: int,
        spares: int,
        limit: int | None,
        idle: float | None,
        backoff: float,
        calls: int | None,
        mode: str,
    ) -> None:
        plan = Supervised(
            workers=workers,
            concurrency=concurrency,
            warm_spares=spares,
            queue_limit=4,
            idle_timeout=idle,
            restart={"mode": mode, "backoff": backoff, "max_restarts": 3},
            recycle={"calls": calls, "age": 100.0},
        )
        self.world = World(plan, limit=limit)
        self.world.start()

    def pick(self, data: st.DataObject, choose: Any) -> Any:
        candidates = [worker for worker in self.w.alive if choose(worker)]
        return data.draw(st.sampled_from(candidates)) if candidates else None

    @property
    def w(self) -> World:
        assert self.world is not None
        return self.world

    @precondition(lambda self: self.world)
    @rule(
        idempotent=st.booleans(),
        priority=st.integers(-1, 1),
        timeout=st.sampled_from([math.inf, 3.0]),
    )
    def call(self, idempotent: bool, priority: int, timeout: float) -> None:
        try:
            self.w.call(idempotent=idempotent, priority=priority, deadline=self.w.now + timeout)
        except (BackendError, QueueFull):
            pass  # the world has written it down as the call's outcome

    @precondition(lambda self: self.world)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        worker = self.pick(data, lambda w: self.w.alive[w] and w not in self.w.frozen)
        if worker:
            self.w.answer(worker, data.draw(st.integers(0, len(self.w.alive[worker]) - 1)))

    @precondition(lambda self: self.world)
    @rule(data=st.data())
    def ready(self, data: st.DataObject) -> None:
        worker = self.pick(data, lambda w: w not in self.w.is_ready and w not in self.w.stopping)
        if worker:
            self.w.ready(worker)

    @precondition(lambda self: self.world)
    @rule(data=st.data(), code=st.sampled_from([0, 1, -9]), permanent=st.booleans())
    def exit(self, data: st.DataObject, code: int, permanent: bool) -> None:
        worker = self.pick(data, lambda w: True)
        if worker:
            self.w.exit(worker, f"exit code {code}", code, permanent=permanent and code == 1)

    @precondition(lambda self: self.world)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        waiting = [call for call in self.w.calls if call.ticket and call.ticket.waiting]
        if waiting:
            self.w.give_up(data.draw(st.sampled_from(waiting)))

    @precondition(lambda self: self.world)
    @rule(seconds=st.sampled_from([0.0, 0.2, 4.0, 31.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.w.pass_time(seconds)

    @precondition(lambda self: self.world)
    @rule(what=st.sampled_from(["start", "stop", "restart", "pause", "resume", "drain", "tick"]))
    def command(self, what: str) -> None:
        getattr(self.w.supervisor, what)(self.w.now)
        self.w.sync()

    @precondition(lambda self: self.world)
    @rule()
    def calm(self) -> None:
        self.w.calm()

    @precondition(lambda self: self.world)
    @invariant()
    def every_call_is_somewhere_once(self) -> None:
        flying = [call for calls in self.w.alive.values() for call in calls]
        for call in self.w.calls:
            waiting = [t for _, _, t in self.w.supervisor.pool.queue._heap if t.waiting]
            places = flying.count(call) + sum(1 for ticket in waiting if ticket.call is call)
            assert places + len(call.outcomes) == 1

    @precondition(lambda self: self.world)
    @invariant()
    def the_counts_are_true(self) -> None:
        for worker, calls in self.w.alive.items():
            assert worker.seat.worker is worker
            assert worker.in_flight == len(calls)

    @precondition(lambda self: self.world)
    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        sup = self.w.supervisor
        free = [w for w in self.w.alive if w.open and w.in_flight < sup.plan.concurrency]
        assert not (free and len(sup.pool.queue))

    @precondition(lambda self: self.world)
    @invariant()
    def what_is_off_stays_off(self) -> None:
        sup = self.w.supervisor
        if not sup.on:
            assert not [w for w in self.w.alive if w not in self.w.stopping]
            assert not len(sup.pool.queue)
            assert sup.wake_at == math.inf

    @precondition(lambda self: self.world)
    @invariant()
    def the_seats_are_as_planned(self) -> None:
        sup = self.w.supervisor
        roles = [seat.role for seat in sup.seats.values() if seat.after != "leave"]
        assert roles.count("duty") == sup.plan.workers
        assert roles.count("spare") == sup.plan.warm_spares
        assert roles.count("relief") <= 1

    def teardown(self) -> None:
        """However it came: with working processes and time, every call ends."""
        if self.world is None:
            return
        w = self.world
        w.supervisor.resume(w.now)
        w.sync()
        for _ in range(60):
            w.calm()
            for worker in list(w.alive):
                while w.alive.get(worker):
                    w.answer(worker)
            w.pass_time(1.0)
        assert all(len(call.outcomes) == 1 for call in w.calls), "a call is stuck"
        w.supervisor.stop(w.now)
        w.sync()
        w.finish_stops()
        assert not w.alive
        assert w.budget.used == 0


TestAnythingHappens = AnythingHappens.TestCase
TestAnythingHappens.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
