"""The way of lone callers past the policy: open when it may be, and every call counted once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bridgekit import BackendDied, CallTimeout, EncodeError, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.calls import LoneCall
from bridgekit.blocking.channel import Channel
from tests.blocking.support import Task, all_ready, at_rest, until
from tests.host.supervision_support import AT_ONCE, MOODY
from tests.host.support import DEADLINE, MENU
from tests.support.blocking import worker_of


class Lead(dict[int, Any]):
    """The lead of a channel, with something that happens once as it is taken or given up."""

    def __init__(self, then: dict[int, Any]) -> None:
        super().__init__(then)
        self.taken: list[Callable[[], object]] = []
        self.given_up: list[Callable[[], object]] = []

    def setdefault(self, key: int, value: Any = None) -> Any:
        leader = super().setdefault(key, value)
        if leader is value and type(value) is LoneCall and self.taken:
            self.taken.pop()()
        return leader

    def clear(self) -> None:
        super().clear()
        if self.given_up:
            self.given_up.pop()()


@pytest.fixture
def backend(manager: ProcessManager) -> Backend:
    return manager.spawn(MENU)


@pytest.fixture
def lead(backend: Backend) -> Lead:
    channel = worker_of(backend).channel
    until(lambda: channel.watched)
    channel.lead = lead = Lead(channel.lead)
    backend._opened(channel)
    return lead


@pytest.fixture(params=["the shortest way", "the way with a lock"])
def either_way(request: pytest.FixtureRequest, backend: Backend, lead: Lead) -> None:
    if request.param == "the way with a lock":
        del backend.__dict__["call"]


def somebody_else(backend: Backend) -> None:
    """The policy is asked by another thread."""
    Task(backend._driver.run, lambda: None).wait()


def open_again(backend: Backend) -> None:
    """Wait until a lone caller would be let in."""
    channel = worker_of(backend).channel
    until(lambda: not channel.gate and not channel.lead)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_it_is_open_while_a_worker_rests_and_nothing_waits(backend: Backend) -> None:
    lane, channel = backend._lane, worker_of(backend).channel
    assert lane.channel is channel
    assert not channel.gate
    with backend._driver.hub.lock:
        lane.shut()
        assert channel.gate
        lane.shut()  # nothing more happens
        assert len(channel.gate) == 1
        lane.open()
    assert not channel.gate
    backend.pause(freeze=False)
    assert channel.gate
    backend.resume()
    assert not channel.gate
    assert backend.call("add", [1, 1]) == 2
    backend.terminate()
    assert channel.gate


@pytest.mark.parametrize(
    "options", [{"recycle": {"calls": 100}}, {"recycle": {"memory": 1 << 40}}], ids=str
)
def test_where_each_call_is_counted_at_once_it_never_opens(
    manager: ProcessManager, options: Any
) -> None:
    backend = manager.spawn(MENU, **options)
    assert backend.call("add", [1, 1]) == 2
    assert backend._lane.channel is None


def test_it_is_shut_while_each_step_is_told(manager: ProcessManager, backend: Backend) -> None:
    changes = manager.changes()
    assert worker_of(backend).channel.gate
    assert backend.call("add", [1, 1]) == 2
    assert [next(changes).new for _ in range(2)] == ["busy", "ready"]
    changes.close()
    until(lambda: backend.call("add", [1, 1]) == 2 and not worker_of(backend).channel.gate)


def test_it_leads_to_a_worker_that_rests(manager: ProcessManager) -> None:
    backend = manager.spawn(MOODY, workers=2)
    all_ready(backend, 2)
    lane = backend._lane
    first = lane.channel
    assert first is not None
    call = Task(backend.call, "sleep", [0.3], timeout=DEADLINE)
    until(lambda: backend.status.in_flight)
    assert lane._guest is not None  # who is in when it is shut is counted
    other = backend.call("pid", timeout=DEADLINE)
    assert other != first.child.pid
    assert call.wait() == first.child.pid
    at_rest(backend)


@pytest.mark.usefixtures("either_way")
def test_who_is_shut_out_between_the_lead_and_the_gate_goes_the_long_way(
    backend: Backend, lead: Lead
) -> None:
    lead.taken.append(lambda: somebody_else(backend))
    assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    until(lambda: backend.status.in_flight == 0)
    assert backend.status.calls == 1
    assert backend._lane._guest is None
    assert not worker_of(backend).channel.gate


@pytest.mark.usefixtures("either_way")
def test_an_interrupt_as_the_lead_is_taken_leaves_no_place_taken(
    backend: Backend, lead: Lead
) -> None:
    def both() -> None:
        somebody_else(backend)
        raise KeyboardInterrupt

    for event in (both, interrupt):
        open_again(backend)
        lead.taken.append(event)
        with pytest.raises(KeyboardInterrupt):
            backend.call("add", [1, 1], timeout=DEADLINE)
    at_rest(backend)
    assert backend.status.calls == 1


def test_an_interrupt_at_the_very_end_counts_the_call_once(backend: Backend, lead: Lead) -> None:
    calls = 0
    for _ in range(3):
        lead.given_up.append(interrupt)
        while lead.given_up:  # it may have gone another way
            calls += 1
            with suppress(KeyboardInterrupt):
                backend.call("add", [1, 1], timeout=DEADLINE)
    at_rest(backend)
    assert backend.status.calls == calls + 1


def test_whose_end_falls_into_a_step_is_counted_once(backend: Backend, lead: Lead) -> None:
    """It counted itself, gave the lead up, and was not yet out of the door."""
    calls = 0
    for _ in range(3):
        lead.given_up.append(lambda: somebody_else(backend))
        while lead.given_up:
            calls += 1
            assert backend.call("add", [1, 1], timeout=DEADLINE) == 2
    at_rest(backend)
    assert backend.status.calls == calls + 1


def test_a_guest_that_has_counted_itself_is_counted_once(backend: Backend) -> None:
    driver, lane, channel = backend._driver, backend._lane, worker_of(backend).channel
    call = LoneCall("add", None, None)
    channel.lead[0] = call
    driver.run(lambda: None)
    assert lane._guest is call
    call.id, call.counted = 1, True
    channel.alone += 1
    channel.look_after()  # it leads: nothing happens
    assert channel.lead == {0: call}
    with channel.lock:
        channel.pass_on()
    for _ in range(3):  # interrupted while it told of it
        channel.left(channel, call)
    assert backend.status.calls == 1
    at_rest(backend)
    assert backend.status.calls == 2


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("method", "params", "timeout", "error", "counted"),
    [
        ("fail", {"message": "no"}, DEADLINE, RemoteError, 1),
        ("sleep", {"seconds": 60}, 0.05, CallTimeout, 1),
        ("sleep", {"seconds": 60}, 0.0, CallTimeout, 1),
        ("echo", {"value": object()}, DEADLINE, EncodeError, 0),
    ],
)
def test_a_call_that_fails_is_counted_once_and_holds_no_place(
    backend: Backend, method: str, params: Any, timeout: float, error: Any, counted: int
) -> None:
    for _ in range(3):
        with pytest.raises(error):
            backend.call(method, params, timeout=timeout)
        until(lambda: backend.status.in_flight == 0)
    at_rest(backend)
    assert backend.status.calls == 3 * counted + 1


def test_nobody_comes_in_before_the_policy_has_heard_of_who_gave_up(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = worker_of(backend).channel
    untold: list[Any] = []
    monkeypatch.setattr(channel, "left", lambda *told: untold.append(told))
    with pytest.raises(CallTimeout):
        backend.call("nap", {"seconds": 60}, timeout=0.01)
    assert [type(mark) for mark in channel.gate] == [LoneCall]
    somebody_else(backend)
    assert channel.gate
    monkeypatch.undo()
    for told in untold:
        channel.left(*told)
    at_rest(backend)


def test_a_late_one_does_not_hide_who_came_in_meanwhile(backend: Backend) -> None:
    """Its channel shut the gate by itself; who leads then is still in."""
    driver, lane, channel = backend._driver, backend._lane, worker_of(backend).channel
    late, other = LoneCall("nap", None, None), LoneCall("nap", None, None)
    until(lambda: channel.watched)
    channel.lead[0] = other
    channel._owe(late)
    assert driver.run(lambda: lane._guest) is other
    with channel.lock:
        channel.pass_on()
    channel.left(channel, other)
    at_rest(backend)


def test_who_dies_with_its_worker_is_told_by_its_death(manager: ProcessManager) -> None:
    backend = manager.spawn(MENU, restart=AT_ONCE)
    for _ in range(3):
        with pytest.raises(BackendDied):
            backend.call("die", [3], timeout=DEADLINE)
        at_rest(backend)
    assert (backend.status.calls, backend.status.failed_calls) == (6, 3)
    last = backend._driver.supervisor.last_death
    assert last is not None
    assert last.in_flight == 1


def test_a_gate_that_is_shut_stays_so_while_the_policy_is_owed(backend: Backend) -> None:
    channel: Channel = worker_of(backend).channel
    late = LoneCall("nap", None, None)
    channel.shut(late)
    backend._driver.run(lambda: None)  # the policy opens it again, for its part
    assert channel.gate == [late]
    channel.gate.remove(late)
    backend.call("add", [1, 1])
    assert not channel.gate
