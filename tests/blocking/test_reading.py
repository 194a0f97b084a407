"""Leader, followers, janitor: every wait ends, whoever leaves when."""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from bridgekit import BackendDied, BridgeError, CallTimeout, RestartPolicy
from bridgekit.blocking import Backend, ProcessManager
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
def test_a_leader_whose_time_is_over_passes_the_lead_on(menu: Backend) -> None:
    leader = Task(menu.call, "nap", {"seconds": 60}, timeout=0.3)
    until(lambda: menu.status.in_flight)
    follower = Task(menu.call, "nap", {"seconds": 0.8}, timeout=DEADLINE)
    with pytest.raises(CallTimeout):
        leader.wait()
    assert follower.wait() == 0.8


@pytest.mark.usefixtures("unmeasured")  # see tests/conftest.py
def test_a_follower_whose_time_is_over_leaves_the_leader_alone(menu: Backend) -> None:
    leader = Task(menu.call, "nap", {"seconds": 0.8}, timeout=DEADLINE)
    until(lambda: menu.status.in_flight)
    with pytest.raises(CallTimeout):
        menu.call("nap", {"seconds": 60}, timeout=0.2)
    assert leader.wait() == 0.8


def test_a_wait_for_something_else_ends_in_time(menu: Backend) -> None:
    class Never:
        done = False
        waiter = None

    channel = worker_of(menu).channel
    assert not channel.wait(Never(), time.monotonic() + 0.05)
    nap = Task(menu.call, "nap", {"seconds": 0.5})
    until(lambda: menu.status.in_flight)
    assert not channel.wait(Never(), time.monotonic() + 0.05)
    assert nap.wait() == 0.5
    already = Never()
    already.done = True
    assert channel.wait(already)


def test_followers_that_are_done_are_forgotten(menu: Backend) -> None:
    nap = Task(menu.call, "nap", {"seconds": 1.5}, timeout=DEADLINE)
    until(lambda: menu.status.in_flight)
    for n in range(500):
        assert menu.call("add", {"a": n}, timeout=DEADLINE) == n
    assert len(worker_of(menu).channel.followers) <= 200
    nap.wait()


def test_a_grandchild_that_holds_the_wire_hides_no_death(menu: Backend) -> None:
    code = "import os; pid = os.fork(); os.setsid() if not pid else None; return pid"
    del code
    started = time.monotonic()
    calls = [Task(menu.call, "sleep", {"seconds": 60}, timeout=None) for _ in range(3)]
    until(lambda: menu.status.in_flight == 3)
    os.kill(menu.pid, 9)
    for call in calls:
        with pytest.raises(BackendDied):
            call.wait()
    assert time.monotonic() - started < DEADLINE


RELENTLESS = RestartPolicy(backoff=0, max_restarts=10_000)


@pytest.mark.slow
def test_eight_threads_random_kills_and_every_call_one_outcome() -> None:
    calls, threads = 150, 8
    outcomes: list[list[str]] = [[] for _ in range(threads)]
    over = threading.Event()
    with ProcessManager(stop_grace=0.2) as manager:
        backend = manager.spawn(MENU, concurrency=threads, restart=RELENTLESS)

        def work(me: int) -> None:
            dice = random.Random(me)
            for n in range(calls):
                timeout = 0.0005 if dice.random() < 0.02 else DEADLINE
                try:
                    value = backend.call("echo", {"value": [me, n]}, timeout=timeout)
                except CallTimeout:
                    outcomes[me].append("timeout")
                except BridgeError:
                    outcomes[me].append("died")
                else:
                    outcomes[me].append("ok" if value == [me, n] else "WRONG")

        def up_again(old: int) -> bool:
            return backend.pid != old and backend.status.state in ("ready", "busy")

        def kill() -> None:
            dice = random.Random(99)
            while not over.wait(dice.random() * 0.1):
                old = backend.pid
                os.kill(old, 9)
                # Not before it is up: killed as it starts, again and again, it would serve nobody.
                until(lambda old=old: over.is_set() or up_again(old))

        workers = [Task(work, me) for me in range(threads)]
        killer = Task(kill)
        for worker in workers:
            worker.wait(120)
        over.set()
        killer.wait()
    flat = [outcome for each in outcomes for outcome in each]
    assert len(flat) == calls * threads
    assert "WRONG" not in flat
    assert flat.count("ok") > 0
    assert flat.count("died") > 0


def test_who_is_settled_as_it_is_made_leader_passes_the_lead_on(menu: Backend) -> None:
    """Another source of its events, say, may settle a reader that this wire has just chosen."""
    channel = worker_of(menu).channel

    class Chosen:
        waiter = threading.Lock()
        looks = 0

        @property
        def done(self) -> bool:
            self.looks += 1
            if self.looks == 2:  # it has looked whether it leads, and looks whether it is done
                channel.lead[0] = self
            return self.looks >= 2

    until(lambda: channel.watched)
    channel._follow(Chosen(), time.monotonic() + DEADLINE)
    assert not channel.lead
    assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1


def test_who_leaves_follows_no_more(menu: Backend) -> None:
    class Anybody:
        done = False
        waiter = None

    channel, one, two = worker_of(menu).channel, Anybody(), Anybody()
    until(lambda: channel.watched)
    with channel.lock:
        assert channel._lead_or_enlist(one)
        assert not channel._lead_or_enlist(two)
    channel.leave(two)
    assert not channel.followers
    channel.leave(one)
    assert not channel.lead
    assert menu.call("add", {"a": 1}, timeout=DEADLINE) == 1
