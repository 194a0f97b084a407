"""A session with its surroundings under the test's control: hooks, clock, calls."""

from __future__ import annotations

import json
from typing import Any

from bridgekit.errors import ProtocolError
from bridgekit.host.pending import PendingCall, StreamCall
from bridgekit.host.session import Hooks, Session
from bridgekit.wire.messages import Event, Request

HELLO = {"protocol": 1, "features": ["stream", "batch", "mystery"], "name": "Menu", "pid": 7}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Recorder(Hooks):
    def __init__(self) -> None:
        self.readiness: list[Exception | None] = []
        self.events: list[Event] = []
        self.requests: list[Request] = []
        self.unanswered: list[tuple[str, Any]] = []
        self.errors: list[ProtocolError] = []

    def ready(self, error: Exception | None) -> None:
        self.readiness.append(error)

    def event(self, event: Event, cost: int) -> None:
        assert cost > 0
        self.events.append(event)

    def request(self, request: Request) -> None:
        self.requests.append(request)

    def unresponsive(self, method: str, call_id: Any) -> None:
        self.unanswered.append((method, call_id))

    def malformed(self, error: ProtocolError) -> None:
        self.errors.append(error)


class Call(PendingCall):
    """Remembers its outcomes; a session must give it exactly one."""

    __slots__ = ("outcomes",)

    def __init__(self, method: str = "add", **options: Any) -> None:
        super().__init__(method, **options)
        self.outcomes: list[Any] = []

    def settle(self, result: Any) -> None:
        self.outcomes.append(result)

    def fail(self, error: Exception) -> None:
        self.outcomes.append(error)


class Items(StreamCall):
    __slots__ = ("woken",)
    woken: int

    def wake(self) -> None:
        self.woken += 1


def frame(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\0"


def success(call_id: Any, result: Any = None) -> bytes:
    return frame(id=call_id, status="success", result=result)


def sent(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.split(b"\n") if line]


def greet(session: Session) -> None:
    """Let the backend greet; the clock stands at its 100th second."""
    session.hello()
    session.receive(success(0, {"status": "ready", "python_version": "3.9.1"}))
    session.receive(success(1, HELLO))
    session.expire(100.0)  # the greeting's own deadline is past


def ready_session() -> tuple[Session, Recorder, Clock]:
    """A session that has been greeted."""
    hooks, clock = Recorder(), Clock()
    session = Session("menu", hooks, clock=clock, cancel_grace=2.0)
    greet(session)
    return session, hooks, clock
