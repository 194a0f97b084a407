"""What must hold for any bytes on a wire, whichever end hears them."""

from __future__ import annotations

import contextlib
from typing import Any

from bridgekit.errors import ProtocolError
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import (
    Cancel,
    Event,
    Failure,
    Malformed,
    Request,
    Response,
)
from bridgekit.wire.quick import quick_receiver
from bridgekit.wire.quick_host import host_receiver

KINDS = (Request, Response, Failure, Event, Cancel, Malformed)
LIMITS: dict[str, Any] = {"max_frame": 4096, "max_depth": 16}


def check_wire(name: str, data: bytes) -> None:
    """Let both ends of a format hear ``data``, whole and cut; say again what they understood."""
    for role, other in (("host", "backend"), ("backend", "host")):
        whole = heard(Connection(name, role, **LIMITS), [data])
        cut = 1 + sum(data[:8]) % 64
        pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
        assert shown(heard(Connection(name, role, **LIMITS), pieces)) == shown(whole)
        assert shown(quickly(name, role, pieces)) == shown(whole)
        for message in whole:
            assert type(message) in KINDS
            if not isinstance(message, Malformed):
                check_message(name, other, role, message)


def heard(connection: Connection, pieces: list[bytes]) -> list[Any]:
    """The messages of a stream, and what is left to say at its end."""
    messages = [message for piece in pieces for message in connection.receive_data(piece)]
    messages += connection.receive_eof()
    assert all(isinstance(m.error, ProtocolError) for m in messages if isinstance(m, Malformed))
    return messages


def quickly(name: str, role: str, pieces: list[bytes]) -> list[Any]:
    """The same by the short way, where it does not decline."""
    connection = Connection(name, role, **LIMITS)
    quick: Any = (host_receiver if role == "host" else quick_receiver)(connection)
    messages: list[Any] = []
    for piece in pieces:
        found = quick(piece)
        if found is None:
            messages += connection.receive_data(piece)
        elif role == "host":
            messages += [Response(*m) if isinstance(m, tuple) else m for m in found]
        else:
            messages += [Request(*m) for m in (found if isinstance(found, list) else [found])]
    return messages + connection.receive_eof()


def check_message(name: str, sender: str, receiver: str, message: Any) -> None:
    """Whatever was understood can be said, or is refused, and then means the same."""
    with contextlib.suppress(ProtocolError):
        data = Connection(name, sender).send(message)
        again = Connection(name, receiver).receive_data(data)
        assert not data or shown(again) == shown([message]), (message, data)


def shown(messages: list[Any]) -> str:
    """Messages in a form that compares; which 64 of many faults are told depends on the cut."""
    faults = [m for m in messages if isinstance(m, Malformed)]
    if len(faults) >= 64:
        messages = [m for m in messages if not isinstance(m, Malformed)]
    return repr(
        [
            (m.error.code, "" if "batch" in repr(m.id) else m.id) if isinstance(m, Malformed) else m
            for m in messages
        ]
    )
