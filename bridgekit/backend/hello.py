"""The handshake: what this backend is and can, and which of it the host asked for."""

from __future__ import annotations

import os
import sys

from bridgekit._version import __version__
from bridgekit.backend.runner import python_version
from bridgekit.errors import VersionMismatch
from bridgekit.wire.messages import PROTOCOL, Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["FEATURES", "answer", "hello"]

FEATURES = ("stream", "progress", "log", "output", "call", "batch", "headers")
"""What this backend can do beyond the plain frames."""

_ENVELOPE = 256
"""Bytes around printed text in its frame."""

_ESCAPED = 12
"""Bytes that one character may become."""


def answer(loop: Loop, call: Any) -> bytes:
    """Return the bytes that answer the call of ``$/hello``."""
    try:
        return loop.connection.send_result(call[0], hello(loop, call[2]))
    except Exception as error:
        return loop.refusal(call[0], error)


def hello(loop: Loop, params: Any) -> dict[str, Any]:
    """Answer ``$/hello`` and switch on what both sides know."""
    params = params if type(params) is dict else {}
    theirs = params.get("protocol")
    if type(theirs) is not int or theirs < 1:
        error = VersionMismatch(f"$/hello needs a protocol number, not {theirs!r}", ours=PROTOCOL)
        error.code = "version_mismatch"
        raise error
    if theirs != PROTOCOL:
        error = VersionMismatch(
            f"the host speaks protocol {theirs}, this backend {PROTOCOL} (bridgekit {__version__})",
            ours=PROTOCOL,
            theirs=theirs,
        )
        error.code = "version_mismatch"
        raise error
    asked = params.get("features")
    features = [name for name in FEATURES if type(asked) is list and name in asked]
    loop.features = frozenset(features)
    if "output" in loop.features:
        loop.wire.capture.emit = _emitter(loop)
    if "log" in loop.features:
        bridge_logs(loop)
    connection, limits = loop.connection, params.get("limits")
    connection.limit_sending(limits.get("max_frame") if type(limits) is dict else None)
    return {
        "protocol": PROTOCOL,
        "bridgekit": __version__,
        "features": features,
        "name": type(loop.bridge).__name__,
        "pid": os.getpid(),
        "python_version": python_version(),
        "executable": sys.executable,
        "methods": sorted(loop.methods),
        "concurrent": sorted(loop.elsewhere),
        "idempotent": sorted(
            name for name, method in loop.methods.items() if method.marks.idempotent
        ),
        "limits": {"max_frame": connection.max_frame, "max_depth": connection.max_depth},
    }


def bridge_logs(loop: Loop) -> None:
    """Send the author's log records to the host, if the author logs at all."""
    if "logging" in sys.modules:
        from bridgekit.backend.logs import attach

        attach(loop)


def _emitter(loop: Loop) -> Any:
    """Return what sends printed text to the host; False from it means: to stderr, please."""

    def emit(text: str) -> bool:
        outbox = loop.outbox
        if outbox.gone or loop.ending == "closed":
            return False
        size = (loop.connection.most - _ENVELOPE) // _ESCAPED
        for at in range(0, len(text), size):
            data = {"stream": "stdout", "text": text[at : at + size]}
            outbox.put(loop.connection.send(Event("$/output", data, loop.current.id())))
            outbox.flush()
        return True

    return emit
