"""A blocking manager with instruments: as :mod:`tests.host.test_observed`."""

from __future__ import annotations

import pytest

from bridgekit import CallTimeout, RemoteError
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.observed import handle_for
from bridgekit.host.instruments import Instruments
from tests.host.support import DEADLINE
from tests.host.test_observed import BACKEND, Notes


def test_without_instruments_the_handle_is_the_plain_one() -> None:
    assert handle_for(Instruments()) is Backend


def test_headers_reach_every_kind_of_method() -> None:
    notes = Notes()
    with ProcessManager(instruments=[notes], call_timeout=DEADLINE) as manager:
        backend = manager.spawn(BACKEND)
        assert backend.call("headers") == {"number": "0"}
        assert backend.call("later") == {"number": "1"}
        assert backend.call_many("headers", [{}, {}]) == [{"number": "2"}] * 2
        assert list(backend.stream("items", [2])) == [{"number": "3"}] * 2
        assert backend.proxy.headers() == {"number": "4"}
    assert not notes.open
    assert all(call.error is None for call in notes.ended)
    assert [new for _, new in notes.changes if new in ("ready", "stopped")] == ["ready", "stopped"]


def test_every_end_is_told() -> None:
    notes = Notes()
    with ProcessManager(instruments=[notes], call_timeout=DEADLINE) as manager:
        backend = manager.spawn(BACKEND)
        for call in (backend.call, lambda name: backend.call_many(name, [None])):
            with pytest.raises(RemoteError):
                call("fail")
        with pytest.raises(CallTimeout):
            backend.call("sleep", [60], timeout=0.05)
        with pytest.raises(RemoteError):
            list(backend.stream("fail"))
        for _ in backend.stream("items", [1000]):
            break
        with backend.stream("items", [1000]) as stream:
            next(stream)
    assert not notes.open
    assert notes.outcomes == [
        ("fail", "RemoteError"),
        ("fail", "RemoteError"),
        ("sleep", "CallTimeout"),
        ("fail", "RemoteError"),
        ("items", "CallCancelled"),
        ("items", "CallCancelled"),
    ]
