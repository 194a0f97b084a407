"""What ``bridgekit doctor TARGET`` finds out by starting the backend."""

from __future__ import annotations

import argparse
import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import attrs

from bridgekit.blocking import ProcessManager
from bridgekit.cli.options import spawn
from bridgekit.errors import BridgeError

__all__ = ["Finding", "check_target"]


@attrs.frozen
class Finding:
    """The outcome of one check: its name, whether it is good, a line for people, details."""

    name: str
    ok: bool
    text: str
    details: dict[str, Any] = attrs.field(factory=dict)


def check_target(arguments: argparse.Namespace) -> list[Finding]:
    """Start the backend, look at it, stop it."""
    with _listening() as stray, ProcessManager() as manager:
        began = time.perf_counter()
        try:
            backend = spawn(manager, arguments)
        except BridgeError as error:
            return [Finding("handshake", False, " ".join(error.message.split()))]
        took = (time.perf_counter() - began) * 1000
        greeting = f"ready in {took:.0f} ms on the {arguments.wire!r} wire"
        findings = [Finding("handshake", True, greeting, {"milliseconds": took})]
        try:
            document = backend.call("$/describe")
            names = [method["name"] for method in document["methods"]]
            text = f"{len(names)} methods: {', '.join(names)}" if names else "it offers no methods"
            findings.append(Finding("methods", bool(names), text, {"methods": names}))
        except BridgeError as error:
            text = f"it does not describe itself ({error.message}); is it built on bridgekit?"
            findings.append(Finding("methods", True, text))
    findings.append(_stdout(stray))
    return findings


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what backends print from their first moment on: that is in the log."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, listener = logging.getLogger("bridgekit.backend"), Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(listener)


def _stdout(stray: list[str]) -> Finding:
    text = "\n".join(stray).strip()
    if not text:
        return Finding("stdout", True, "nothing is printed while it starts")
    shown = " ".join(text.split())[:120]
    note = f"it prints while it starts, which is captured: {shown!r}"
    return Finding("stdout", True, note, {"text": text})
