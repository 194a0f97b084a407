"""The native vocabulary in null-byte framed JSON: the default format.

The text of the commonest frames is put together here without its object, which halves the cost
of an envelope.
"""

from __future__ import annotations

from bridgekit.wire.dialect._vocabulary import Vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["CODEC", "FRAMING", "Dialect"]

FRAMING = "null"
CODEC = "json"

_MOST_NAMES = 1024
"""How many names of methods and topics are remembered in their encoded form."""


class Dialect(Vocabulary):
    """The native vocabulary as one side speaks and hears it."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        # Seals off whatever was printed before the backend took hold of the wire.
        self.preamble = b"\0" if role == "backend" else b""
        self._names: dict[str, bytes] = {}
        self._timeout: float | None = None
        self._timeout_text = b""

    def request_text(
        self,
        encode: Callable[..., bytes],
        call_id: Any,
        method: str,
        params: Any,
        timeout: float | None,
    ) -> bytes | None:
        """Return what a host's request is on the wire, past the building of its envelope.

        None where the plain way must be taken.
        """
        if type(call_id) is not int or not self.speaks_requests or params is None:
            return None
        name = self._name(encode, method)
        body = encode(params, "params")
        if timeout is None:
            return b'{"id":%d,"cmd":%b,"params":%b}' % (call_id, name, body)
        if timeout != self._timeout:
            self._timeout, self._timeout_text = timeout, encode(timeout)
        return b'{"id":%d,"cmd":%b,"params":%b,"timeout":%b}' % (
            call_id,
            name,
            body,
            self._timeout_text,
        )

    def result_text(self, encode: Callable[..., bytes], call_id: Any, result: Any) -> bytes | None:
        """Return what a backend's response is on the wire; None: take the plain way."""
        if type(call_id) is not int or self.speaks_requests:
            return None
        return b'{"id":%d,"status":"success","result":%b}' % (call_id, encode(result, "result"))

    def event_text(
        self, encode: Callable[..., bytes], topic: str, data: Any, call: Any
    ) -> bytes | None:
        """Return what an event is on the wire; None: take the plain way."""
        if call is not None and type(call) is not int:
            return None
        name, body = self._name(encode, topic), encode(data, "result")
        if call is None:
            return b'{"cmd":%b,"status":"event","result":%b}' % (name, body)
        return b'{"cmd":%b,"status":"event","result":%b,"call":%d}' % (name, body, call)

    def part_text(self, batch_id: int, first: int, results: bytes) -> bytes:
        """Return what a ``$/part`` event is on the wire, around results that are text already."""
        return b'{"cmd":"$/part","status":"event","result":{"first":%d,"results":%b},"call":%d}' % (
            first,
            results,
            batch_id,
        )

    def _name(self, encode: Callable[..., bytes], name: str) -> bytes:
        """Return ``name`` as text, remembered: there are few and they come back."""
        text = self._names.get(name)
        if text is None:
            text = encode(name)
            if len(self._names) < _MOST_NAMES and len(name) < 256:
                self._names[name] = text
        return text
