"""Lists of calls at a worker that nobody else uses: entered and left without asking the policy."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit import CallTimeout, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.visit import Visit
from tests.blocking.support import Task, at_rest, until
from tests.host.supervision_support import AT_ONCE
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


@pytest.fixture
def backend(manager: ProcessManager) -> Backend:
    return manager.spawn(MENU, restart=AT_ONCE)


def visit_to(backend: Backend) -> Visit:
    return Visit(backend._driver, worker_of(backend).channel, "add")


def entered(backend: Backend) -> Visit:
    """A visit that is inside; the janitor may still look after what was before."""
    visits = [visit_to(backend)]
    until(lambda: visits[-1].enter() or visits.append(visit_to(backend)))
    return visits[-1]


def test_a_list_of_calls_asks_nobody(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    backend.call("add", [1, 1])
    monkeypatch.setattr(backend._driver, "place", lambda *args: asked.append(args))
    for _ in range(3):
        assert backend.call_many("add", [[1, 1], [2, 2]]) == [2, 4]
    assert not asked
    monkeypatch.undo()
    at_rest(backend)


def test_nobody_enters_meanwhile_and_the_policy_counts_who_is_in(backend: Backend) -> None:
    visit = entered(backend)
    channel = worker_of(backend).channel
    assert not visit_to(backend).enter()
    waits = Task(backend.call, "add", [1, 1], timeout=DEADLINE)
    until(lambda: backend.status.queued == 1)
    assert backend.status.in_flight == 1
    assert visit.counted
    visit.leave()
    visit.leave()
    assert waits.wait() == 2
    at_rest(backend)
    assert visit not in channel.gate


def test_who_comes_as_the_gate_is_shut_goes_again(backend: Backend) -> None:
    channel, visit = worker_of(backend).channel, visit_to(backend)
    until(lambda: not channel.lead and not channel.gate)

    class Late(list[Any]):
        """It seemed empty, from outside of the lock."""

        looks = 0

        def __bool__(self) -> bool:
            self.looks += 1
            return self.looks > 1

    real, channel.gate = channel.gate, Late()
    assert not visit.enter()
    channel.gate = real
    assert channel.lead.get(0) is not visit
    at_rest(backend)


def test_what_was_given_up_holds_the_place_until_it_has_ended(backend: Backend) -> None:
    with pytest.raises(CallTimeout):
        backend.call_many("hold", [[1.0]], timeout=0.01)
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    at_rest(backend)


def test_a_failure_leaves_the_place(backend: Backend) -> None:
    for _ in range(3):
        with pytest.raises(RemoteError):
            backend.call_many("fail", [["no"]])
    results = backend.call_many("fail", [["no"]] * 2, return_exceptions=True)
    assert [type(result) for result in results] == [RemoteError] * 2
    at_rest(backend)


def test_an_interrupt_on_the_way_in_is_put_right(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, visit = worker_of(backend).channel, visit_to(backend)
    until(lambda: not channel.lead and not channel.gate)
    real = channel.pass_on

    def interrupted() -> None:
        monkeypatch.setattr(channel, "pass_on", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(channel, "pass_on", interrupted)
    with pytest.raises(KeyboardInterrupt):
        visit.enter()
    visit.leave()
    assert channel.lead.get(0) is not visit
    assert visit not in channel.gate
    at_rest(backend)


def test_one_that_dies_with_its_worker_leaves_the_next_alone(backend: Backend) -> None:
    for _ in range(2):
        visit = entered(backend)
        first = backend.pid
        worker_of(backend).child.kill()
        until(lambda first=first: backend.pid != first and backend.status.state == "ready")
        visit.leave()
        at_rest(backend)
