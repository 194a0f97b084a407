"""What a session tells its owner, apart from the outcomes of calls."""

from __future__ import annotations

from typing import Any

from bridgekit.errors import ProtocolError
from bridgekit.wire.bursts import Run
from bridgekit.wire.messages import Event, Request

__all__ = ["Hooks"]


class Hooks:
    """What a session tells its owner; every method may be overridden and none may block."""

    def ready(self, error: Exception | None) -> None:
        """The handshake is over: calls may be made, or the backend was refused."""

    def event(self, event: Event, cost: int) -> None:
        """An event that belongs to no stream came; it took about ``cost`` bytes."""

    def burst(self, events: list[Event] | Run, cost: int) -> None:
        """Some events of one topic, none of bridgekit's own, came together; each took ``cost``."""
        for event in events:
            self.event(event, cost)

    def request(self, request: Request) -> None:
        """The backend calls a function of the host's."""

    def unresponsive(self, method: str, call_id: Any) -> None:
        """A call that was given up has not ended within ``cancel_grace``."""

    def malformed(self, error: ProtocolError) -> None:
        """Something came that is no message and no printed text."""
