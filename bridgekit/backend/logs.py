"""Log records of the author's code as events for the host. Loaded only if the author logs."""

from __future__ import annotations

import logging

from bridgekit.backend.call import current_call
from bridgekit.wire.messages import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bridgekit.backend.loop import Loop

__all__ = ["HostHandler", "attach"]

_MOST_TEXT = 64 * 1024
_ENVELOPE = 512
_ESCAPED = 12
"""Bytes that one character may become."""


class HostHandler(logging.Handler):
    """Sends records to the host, tied to the call they were made in."""

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; trouble with it is reported as logging does, on stderr."""
        loop = self._loop
        if loop.outbox.gone or loop.wire.capture.closed:
            return
        try:
            most = min(_MOST_TEXT, (loop.connection.most - _ENVELOPE) // _ESCAPED)
            message = self.format(record)[:most]
            data = {"level": record.levelname.lower(), "message": message, "logger": record.name}
            loop.outbox.put(loop.connection.send(Event("$/log", data, current_call().id)))
            loop.outbox.flush()
        except Exception:
            self.handleError(record)


def attach(loop: Loop) -> None:
    """Add the handler to the root logger, once."""
    root = logging.getLogger()
    if not any(isinstance(handler, HostHandler) for handler in root.handlers):
        root.addHandler(HostHandler(loop))
