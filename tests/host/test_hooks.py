"""The hooks of a session do nothing until somebody overrides them."""

from __future__ import annotations

import pytest

from bridgekit.errors import (
    ProtocolError,
)
from bridgekit.host.pending import PendingCall
from bridgekit.host.session import Hooks
from bridgekit.wire.messages import Event, Request


def test_hooks_do_nothing_by_default() -> None:
    hooks = Hooks()
    hooks.ready(None)
    hooks.event(Event("t"), 1)
    hooks.burst([Event("t"), Event("t")], 1)
    hooks.request(Request("b1", "m"))
    hooks.unresponsive("m", 1)
    hooks.malformed(ProtocolError("x"))
    with pytest.raises(NotImplementedError):
        PendingCall("m").settle(1)
    with pytest.raises(NotImplementedError):
        PendingCall("m").fail(ValueError())
