"""Serving from start to end: claim the wire, say ready, serve, run the hooks, end."""

from __future__ import annotations

import os
import sys

from bridgekit.backend import stdio
from bridgekit.backend.dispatch import build_table
from bridgekit.backend.invoke import COROUTINE
from bridgekit.backend.lifeline import take_lifeline
from bridgekit.backend.loop import Loop, Wake
from bridgekit.backend.signals import Signals
from bridgekit.errors import BridgeError
from bridgekit.wire.connection import LEAST_FRAME, MAX_FRAME, Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.bridge import PythonBridge

__all__ = ["prepare", "python_version", "ran", "run"]

WIRE = "BRIDGEKIT_WIRE"
LIMIT = "BRIDGEKIT_MAX_FRAME"

_MOST_DIGITS = 1000
"""So many are far beyond any memory, and Python may refuse to read more of them."""

_wire_name = _limit = ""
_watch = None
_ran = False


def ran() -> bool:
    """Whether a backend has been run in this process."""
    return _ran


def python_version() -> str:
    """The interpreter's version as three numbers, ``"3.12.1"``."""
    return "{}.{}.{}".format(*sys.version_info)


def prepare() -> None:
    """Take what the host says out of the environment, and claim stdin and stdout."""
    global _wire_name, _limit, _watch
    if stdio.claimed() is None:
        _watch = take_lifeline()
        _wire_name, _limit = os.environ.pop(WIRE, ""), os.environ.pop(LIMIT, "")
        stdio.claim()


def run(bridge: PythonBridge) -> None:
    """Serve ``bridge``; see :meth:`bridgekit.PythonBridge.run`."""
    global _ran
    from bridgekit.backend.bridge import PythonBridge

    if _ran:
        raise BridgeError("a backend has already been run in this process")
    if type(bridge) is PythonBridge:
        raise BridgeError("subclass PythonBridge and give it methods; it has none of its own")
    methods = build_table(bridge, PythonBridge)
    _ran = True
    if _at_terminal():
        from bridgekit.backend.terminal import explain

        raise SystemExit(explain(bridge, methods, sys.argv))
    prepare()
    wire: Any = stdio.claimed()
    name, most = _wire_name or bridge.wire, _max_frame(_limit)
    loop = Loop(bridge, methods, Connection(name, "backend", max_frame=most), wire)
    loop.signals = Signals(loop, loop.helper.pipe)
    if _watch is not None:
        loop.helper.watch_lifeline(_watch)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=loop.signals.hold,
            after_in_parent=loop.signals.let_go,
            after_in_child=loop.forked,
        )
    _serve(loop, bridge)
    if loop.status:
        raise SystemExit(loop.status)


def _max_frame(text: str) -> int:
    """The bytes that a frame may have, as the environment says."""
    if not text:
        return MAX_FRAME
    size = int(text) if text.isdecimal() and len(text) < _MOST_DIGITS else 0
    if size < LEAST_FRAME:
        raise BridgeError(
            f"BRIDGEKIT_MAX_FRAME={text[:80]!r} is not allowed: it must be a number of bytes, "
            f"{LEAST_FRAME} or more"
        )
    return size


def _at_terminal() -> bool:
    """Whether a person started this at a terminal, and no host."""
    if stdio.claimed() is not None or WIRE in os.environ or "BRIDGEKIT_LIFELINE" in os.environ:
        return False
    return os.isatty(0)


def _serve(loop: Loop, bridge: PythonBridge) -> None:
    try:
        try:
            call_hook(loop, bridge.on_start)
            ready = loop.connection.send_ready(bridge.ready())
            loop.outbox.push(loop.connection.preamble + ready)
            _send_early(loop, bridge)
            if bridge._bridgekit_stopped:
                loop.stop("stopped")
            loop.serve()
        except Wake:
            pass
    finally:
        from bridgekit.backend.ending import finish

        finish(loop)


def _send_early(loop: Loop, bridge: PythonBridge) -> None:
    """Send what was kept from before; later events go out by themselves."""
    from bridgekit.backend.bridge import EARLY

    with EARLY:
        for topic, data in bridge._bridgekit_early:
            loop.send_event(topic, data)
        bridge._bridgekit_early = []
        bridge._bridgekit_loop = loop


def call_hook(loop: Loop, hook: Any) -> Any:
    """Call one of the author's hooks, plain or async, and wait for it."""
    result = hook()
    if result.__class__ is COROUTINE:
        return loop.async_lane().complete(result)
    return result
