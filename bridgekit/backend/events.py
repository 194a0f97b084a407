"""The short way for a backend that sends very many events: one function from value to bytes.

It is put on the instance once the faster codec is there (see ``Loop.warm_up``), in the place of
:meth:`PythonBridge.send_event`, which does the same through the layers. A few tenths of a
microsecond an event is all there is, so it encodes the value alone and puts the frame's fixed
ends around it.
"""

from __future__ import annotations

from _thread import get_ident

from bridgekit.backend.call import get_current
from bridgekit.backend.outbox import FLUSH_AT
from bridgekit.wire.codec.json import UNPLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["quick_send_event"]

_MOST_TOPICS = 1024
_LONGEST_TOPIC = 256
_ENVELOPE = 1024 + 6 * _LONGEST_TOPIC
"""Bytes around a value, at most."""
_ALONE = b"}\0"
"""The end of the frame of an event that belongs to no call."""
_U = 0x75
"""The letter u, which is quicker to look for than ``null`` (NaN would become that)."""


def quick_send_event(loop: Loop, ordinary: Callable[..., None]) -> Callable[..., None]:
    """Return what sends events as ``ordinary`` does, which it falls back on."""
    connection, outbox, helper, main = loop.connection, loop.outbox, loop.helper, loop.main
    orjson = getattr(connection.codec, "orjson_dumps", None)
    if connection.format != "native" or orjson is None:
        return ordinary
    dumps, default, option = orjson
    put, encode = outbox.put, connection.codec.encode
    # The envelope is one level deep. What is shorter than this cannot nest too deep.
    depth, little = connection.max_depth - 1, 0
    heads: dict[str, bytes] = {}
    last: tuple[Any, bytes] = (None, _ALONE)  # a call's id, and the end of its events' frames

    def measure(limit: int) -> None:
        nonlocal little
        little = min(2 * depth, limit - _ENVELOPE)

    connection.when_limited(measure)

    def send_event(topic: str, data: Any = None) -> None:
        nonlocal last
        head = heads.get(topic) if topic.__class__ is str else None
        if head is None:
            ordinary(topic, data)
            if len(heads) < _MOST_TOPICS and len(topic) <= _LONGEST_TOPIC:
                heads[topic] = b'{"cmd":%b,"status":"event","result":' % encode(topic)
            return
        call = loop.running if get_ident() == main else get_current()
        if call is None:
            tail = _ALONE
        else:
            known, tail = last
            if call.__class__ is not tuple or call[0] is not known:
                _, tail = last = _end_of(call, loop)
        try:
            text = dumps(data, default, option)
        except UNPLAIN:  # the ordinary way decides, and explains
            text = b""
        if (
            not 0 < len(text) <= little
            or not text.isascii()
            or (_U in text and text.find(b"null") >= 0)  # it may be a NaN
            or not tail
        ):
            ordinary(topic, data)
            return
        text = head + text + tail
        put(text)
        outbox.size = waiting = outbox.size + (size := len(text))
        if waiting >= FLUSH_AT or waiting == size or helper.deaf:
            outbox.posted(waiting)

    return send_event


def _end_of(call: Any, loop: Loop) -> tuple[Any, bytes]:
    """Return a call's id and the end of its events' frames; b"" leaves them the ordinary way."""
    call_id = call[0] if call.__class__ is tuple else None if call.done else call.id
    if call_id is None or not loop.features:
        return None, _ALONE
    return call_id, b',"call":%d}\0' % call_id if call_id.__class__ is int else b""
