"""What a backend prints and logs, as records of ``logging.getLogger("bridgekit.backend.NAME")``.

Text on stdout and stderr becomes one INFO record a line (``record.stream`` tells which);
``current_call().log(...)`` keeps its level. Records carry ``backend``, ``pid`` and ``call_id``.
"""

from __future__ import annotations

import logging
from typing import Any

from bridgekit.host.redaction import hide
from bridgekit.wire.messages import Event

__all__ = ["OUTPUT", "OutputLog", "StderrEvent"]

OUTPUT = "$/output"
LOG = "$/log"

_LONGEST = 64 * 1024
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

logging.getLogger("bridgekit").addHandler(logging.NullHandler())


class StderrEvent(Event):
    """What the host itself read from a backend's stderr."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__(OUTPUT, {"stream": "stderr", "text": text})


class OutputLog:
    """Writes the output of one process, whose ``pid`` is set when there is one, to its logger."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid: int | None = None
        self._logger = logging.getLogger(f"bridgekit.backend.{name}")
        self._partial = ""

    @property
    def enabled(self) -> bool:
        """Whether lines of output are logged at all."""
        return self._logger.isEnabledFor(logging.INFO)

    def wants(self, event: Event) -> bool:
        """Whether :meth:`event` has anything to log of ``event``, as far as is known at once."""
        return event.topic == LOG or (event.topic == OUTPUT and self.enabled)

    def event(self, event: Event) -> None:
        """Log an ``$/output`` or ``$/log`` event; anything else is left alone."""
        data = event.data
        if type(data) is not dict:
            return
        if event.topic == LOG:
            level = _LEVELS.get(str(data.get("level", "info")).lower(), logging.INFO)
            extra = {"source": data.get("logger")}
            self._log(level, str(data.get("message", "")), event.call, extra)
        elif event.topic == OUTPUT and isinstance(data.get("text"), str):
            if type(event) is StderrEvent:  # line() logs it, by whole lines
                return
            self._text(data["text"], event.call)

    def line(self, text: str) -> None:
        """Log one line of stderr."""
        self._log(logging.INFO, text, None, {"stream": "stderr"})

    def _text(self, text: str, call: Any) -> None:
        if not self._logger.isEnabledFor(logging.INFO):
            return
        lines = (self._partial + text).split("\n")
        self._partial = lines.pop()
        if len(self._partial) > _LONGEST:
            lines.append(self._partial)
            self._partial = ""
        for line in lines:
            self._log(logging.INFO, line.removesuffix("\r"), call, {"stream": "stdout"})

    def close(self) -> None:
        """Log what was printed without a newline at the end."""
        if self._partial:
            self._text("\n", None)

    def _log(self, level: int, text: str, call: Any, extra: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            extra |= {"backend": self.name, "pid": self.pid, "call_id": call}
            self._logger.log(level, "%s", hide(text), extra=extra)
