"""The short way for a backend that sends very many events: one function from value to bytes.

It is put on the instance once the faster codec is there (see ``Loop.warm_up``), in the place of
:meth:`PythonBridge.send_event`, which does the same through the layers.
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


def quick_send_event(loop: Loop, ordinary: Callable[..., None]) -> Callable[..., None]:
    """Return what sends events as ``ordinary`` does, which it falls back on."""
    connection, outbox, helper, main = loop.connection, loop.outbox, loop.helper, loop.main
    orjson = getattr(connection.codec, "orjson_dumps", None)
    if connection.format != "native" or orjson is None:
        return ordinary
    dumps, default, option = orjson
    put, small = outbox.put, 2 * connection.max_depth
    known: set[str] = set()

    def send_event(topic: str, data: Any = None) -> None:
        if topic.__class__ is not str or topic not in known:
            ordinary(topic, data)
            if len(known) < _MOST_TOPICS:
                known.add(topic)
            return
        event = {"cmd": topic, "status": "event", "result": data}
        if loop.features:
            call = loop.running if get_ident() == main else get_current()
            if call.__class__ is tuple:
                event["call"] = call[0]
            elif call is not None and not call.done:
                event["call"] = call.id
        try:
            text = dumps(event, default, option)
        except UNPLAIN:  # the ordinary way decides, and explains
            ordinary(topic, data)
            return
        size = len(text)
        if size > small or not text.isascii() or text.find(b"null") >= 0:  # it may be a NaN
            ordinary(topic, data)
            return
        put(text + b"\0")
        outbox.size = waiting = outbox.size + size
        if waiting >= FLUSH_AT or waiting == size or helper.deaf:
            outbox.posted(waiting)

    return send_event
