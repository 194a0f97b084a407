"""What a host says first, and what it learns from the answer.

A backend that knows ``$/hello`` answers with its protocol number and features; one that answers
an error, or anything else, knows the plain frames only and is driven with those.
"""

from __future__ import annotations

from typing import Any

import attrs

from bridgekit._version import __version__
from bridgekit.errors import VersionMismatch
from bridgekit.wire.messages import PROTOCOL

__all__ = ["FEATURES", "HELLO", "PLAIN_AFTER", "Peer", "hello_params", "read_hello", "read_ready"]

HELLO = "$/hello"
FEATURES = ("stream", "progress", "log", "output", "call", "batch", "headers")
PLAIN_AFTER = 0.5
"""Seconds after a ready frame in which the answer to ``$/hello`` must come."""


@attrs.frozen(kw_only=True)
class Peer:
    """What a backend says about itself; fields it does not mention stay at their defaults."""

    protocol: int | None = None
    features: frozenset[str] = frozenset()
    name: str | None = None
    pid: int | None = None
    bridgekit: str | None = None
    python_version: str | None = None
    executable: str | None = None
    methods: tuple[str, ...] = ()
    concurrent: frozenset[str] | None = None
    """The methods whose calls run beside each other; None when it does not say."""
    idempotent: frozenset[str] = frozenset()
    """The methods that may be run twice, and so be sent again when a worker died."""
    max_frame: int | None = None


def hello_params(max_frame: int) -> dict[str, Any]:
    """Return the parameters of ``$/hello``."""
    return {
        "protocol": PROTOCOL,
        "host": f"bridgekit {__version__}",
        "features": list(FEATURES),
        "limits": {"max_frame": max_frame},
    }


def read_ready(result: Any, peer: Peer) -> Peer:
    """Return ``peer`` with what a ready frame's result adds."""
    if type(result) is not dict:
        return peer
    version = result.get("python_version")
    return attrs.evolve(peer, python_version=version) if isinstance(version, str) else peer


def read_hello(result: Any, peer: Peer) -> Peer | None:
    """Return what the answer to ``$/hello`` tells, or None when it is no such answer.

    Raises VersionMismatch when the backend speaks another protocol than this host.
    """
    if type(result) is not dict or "protocol" not in result:
        return None
    theirs = result["protocol"]
    if theirs != PROTOCOL:
        raise VersionMismatch(
            f"the backend speaks protocol {theirs!r} and this host protocol {PROTOCOL}; "
            f"the backend runs bridgekit {result.get('bridgekit', 'unknown')}, the host "
            f"{__version__}: install the same major version on both sides",
            ours=PROTOCOL,
            theirs=theirs if isinstance(theirs, int) else None,
        )
    limits, concurrent = result.get("limits"), _of(result, "concurrent", list)
    return Peer(
        protocol=PROTOCOL,
        features=frozenset(_strings(result.get("features"))) & frozenset(FEATURES),
        name=_of(result, "name", str),
        pid=_of(result, "pid", int),
        bridgekit=_of(result, "bridgekit", str),
        python_version=_of(result, "python_version", str) or peer.python_version,
        executable=_of(result, "executable", str),
        methods=tuple(_strings(result.get("methods"))),
        concurrent=None if concurrent is None else frozenset(_strings(concurrent)),
        idempotent=frozenset(_strings(result.get("idempotent"))),
        max_frame=_of(limits, "max_frame", int) if type(limits) is dict else None,
    )


def _of(values: dict[str, Any], name: str, kind: type) -> Any:
    value = values.get(name)
    return value if isinstance(value, kind) else None


def _strings(values: Any) -> list[str]:
    if type(values) is not list:
        return []
    return [value for value in values if isinstance(value, str)]
