"""The shortest way for the commonest frames: plain calls and their results, on a backend's side.

A round trip costs some fifteen microseconds in all, so each layer's share shows. These functions
do at one go what framing, codec and dialect do for frames that are whole, small and ordinary;
for anything else they decline, having consumed nothing, and the ordinary way decides. Whatever
they accept, the ordinary way would have understood the same (a test compares the two).
"""

from __future__ import annotations

from os import urandom

from bridgekit.wire.codec.json import _WORTH_ORJSON, DIGITS, NINETEEN, UNPLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from bridgekit.wire.connection import Connection

    QuickCall = tuple[Any, str, Any, Any]
    Quick = Union[QuickCall, list[QuickCall], None]

__all__ = [
    "EXACT",
    "LARGE",
    "all_exact",
    "quick_encoder",
    "quick_event_sender",
    "quick_receiver",
    "quick_sender",
    "quoter",
]

BATCH = "$/batch"
"""The one command of bridgekit's own that is let through, where there are few frames."""

LARGE = 256 * 1024
"""Bytes of a frame from which a copy costs more than a system call for each piece."""

FEW = 2
"""Frames that are looked at one by one."""

EXACT = frozenset((str, int, bool, type(None)))
"""Types of values in which orjson can have rounded no long integer."""

_DICT = frozenset((dict,))
_BATCH_DEPTH = 4
"""How deep a batch of plain calls nests: the frame, its parameters, the items, each of them."""
_ROUNDED = 1e18
_PARAMS = frozenset((dict, list, type(None)))
_MOST_NAMES = 1024
_SHORT = 4096


def quick_receiver(connection: Connection) -> Callable[[bytes], Quick]:  # noqa: C901 - one frame
    """Return ``receive(data)``: a call (id, method, params, timeout), several in a list, or None.

    None means that nothing was consumed and that ``receive_data`` must be given the data.
    """
    if connection.format != "native" or connection.role != "backend":
        return lambda data: None
    parts, codec, scan = connection.framing.parts, connection.codec, connection.codec._scan
    small = min(2 * connection.max_depth, connection.max_frame)  # shorter: cannot nest too deep
    several = _several(connection)

    def receive(data: bytes) -> Quick:
        last = len(data) - 1
        if data.find(10) != last or parts.size or last > small:
            return several(data)
        try:
            loads = codec._loads
            if loads is not None:
                value = loads(data)  # to JSON the end of the line is a blank
            else:
                value, end = scan(data.decode(), 0)
                if end != last:
                    return None
            if len(value) == 4:  # as hosts of bridgekit write it, without the price of ``get``
                call_id, name, params = value["id"], value["cmd"], value["params"]
                timeout = value["timeout"]
                if (
                    params.__class__ is dict
                    and name.__class__ is str
                    and call_id.__class__ is int
                    and timeout < _ROUNDED
                ):
                    for each in params.values():
                        if each.__class__ not in EXACT:
                            break
                    else:
                        return call_id, name, params, timeout
            get = value.get
            name, params = get("cmd"), get("params")
            if name.__class__ is not str or params.__class__ not in _PARAMS:
                return None
            # Of what may be a rounded integer the digits have to be looked at.
            if loads is not None and _long(data):
                return None
            return get("id"), name, params, get("timeout")
        except Exception:
            return None

    return receive


def _long(data: bytes) -> bool:
    return data.translate(DIGITS).find(NINETEEN) >= 0


def _several(connection: Connection) -> Callable[[bytes], Quick]:
    """Return what does the same for any number of frames of any size."""
    parts, codec, largest = connection.framing.parts, connection.codec, connection.max_frame
    small, whole, together = 2 * connection.max_depth, _whole(codec, connection), at_once()

    def receive(data: bytes) -> Quick:
        if parts.size:  # inside a frame
            return None
        frames = _cut(data)
        few = len(frames) <= FEW
        calls: list[QuickCall] = []
        try:
            longest = len(max(frames, key=len))
            if longest > largest:
                return None
            if few or codec._loads is None or longest > small:
                values = [whole(frame) for frame in frames]
            elif _long(data):
                return None
            else:
                values = together(frames, codec._loads)
            for value in values:
                get = value.get
                name, params = get("cmd"), get("params")
                if name.__class__ is not str or (name[0] == "$" and not (few and name == BATCH)):
                    return None
                kind = params.__class__
                if kind is not dict and params is not None and kind is not list:
                    return None
                calls.append((get("id"), name, params, get("timeout")))
        except Exception:  # a frame that is not what it mostly is
            return None
        return calls

    return receive


def _whole(codec: Any, connection: Connection) -> Callable[[bytes], Any]:
    """Return what decodes one frame, or raises, or returns None, where it is none."""
    scan, decode, small = codec._scan, codec.decode, 2 * connection.max_depth
    batches = connection.max_depth > _BATCH_DEPTH

    def whole(frame: bytes) -> Any:
        if len(frame) > small:
            batch = None
            if batches and codec._loads is not None:
                batch = _plain_batch(frame, codec._loads)
            return decode(frame) if batch is None else batch
        value, end = scan(frame.decode(), 0)
        return value if end == len(frame) else None

    return whole


def _plain_batch(frame: bytes, loads: Callable[[bytes], Any]) -> Any:
    """Return what orjson makes of a batch of plain calls, or None to decline.

    How deep it nests, and that no integer was rounded, is seen in the values: looking for that in
    the text takes twice as long as decoding it.
    """
    if frame.find(b'"cmd":"$/batch"', 0, 80) < 0:
        return None
    try:
        value = loads(frame)
        params = value["params"]
        items, timeout = params["params"], value["timeout"]
        if value["cmd"] != BATCH or len(value) != 4 or len(params) != 3 or not timeout < _ROUNDED:
            return None
        if (value["id"].__class__, params["first"].__class__) != (int, int):
            return None
        if params["cmd"].__class__ is str and _DICT.issuperset(map(type, items)):
            return value if all_exact(map(dict.values, items)) else None
    except Exception:  # it is something else
        pass
    return None


def all_exact(groups: Any) -> bool:
    """Whether all that is in ``groups`` is a leaf that orjson cannot have rounded."""
    from itertools import chain  # a cold child has no use for it

    return EXACT.issuperset(map(type, chain.from_iterable(groups)))


def _cut(data: bytes) -> list[bytes]:
    """Return the frames of ``data``, if it ends with the end of one; else nothing."""
    at = data.find(b"\n")
    if at == len(data) - 1:
        return [data[:at]]
    if data[-1] != 10 and (data[-1] != 0 or at >= 0):
        return []
    frames = data.split(data[-1:])
    frames.pop()
    return frames


def at_once() -> Callable[[list[bytes], Callable[[bytes], Any]], list[Any]]:
    """Return ``decode(frames, loads)``, which decodes many small frames as one text, with orjson.

    That takes half the time; it raises ValueError when any of them is no JSON. Frames could make
    sense together that make none alone. So a text that no peer can know stands between any two:
    where that is every second value, each of the others is one frame.
    """
    between = urandom(8).hex()
    joint = b',"%b",' % between.encode()

    def decode(frames: list[bytes], loads: Callable[[bytes], Any]) -> list[Any]:
        values = loads(b"[%b]" % joint.join(frames))
        if len(values) != 2 * len(frames) - 1 or values[1::2].count(between) != len(frames) - 1:
            raise ValueError("these are not one value each")
        return values[::2]  # type: ignore[no-any-return]

    return decode


def quick_sender(connection: Connection) -> Callable[[Any, Any], Any]:
    """Return ``send(call_id, result)``, the bytes of a response; it raises as a connection does.

    A large one may come as :class:`~bridgekit.wire.pieces.Pieces`.
    """
    if connection.format != "native" or connection.role != "backend":
        return connection.send_result
    ordinary, express = connection.send_result, quick_encoder(connection)
    codec, encode = connection.codec, connection.codec.encode
    most = short = 0

    def measure(limit: int) -> None:
        nonlocal most, short
        most, short = limit - 128, min(_SHORT, limit // 8)  # escaped, text may grow sixfold

    connection.when_limited(measure)

    def send(call_id: Any, result: Any) -> Any:
        if call_id.__class__ is int:
            if codec._dumps is not None:
                if result.__class__ is str and len(result) < short and result.isascii():
                    text = codec._dumps(result)
                    return b'{"id":%d,"status":"success","result":%b}\0' % (call_id, text)
                data = encode(result, "result", 1)
                if LARGE <= len(data) <= most:
                    from bridgekit.wire.pieces import Pieces

                    return Pieces(
                        (b'{"id":%d,"status":"success","result":' % call_id, data, b"}\0")
                    )
                if len(data) <= most:
                    return b'{"id":%d,"status":"success","result":%b}\0' % (call_id, data)
                return ordinary(call_id, result)
            text = express(result)
            if len(text) <= most:
                return f'{{"id":{call_id},"status":"success","result":{text}}}\0'.encode("ascii")
        return ordinary(call_id, result)

    return send


def quick_event_sender(connection: Connection) -> Callable[..., bytes]:  # noqa: C901 - one frame
    """Return ``send(topic, data, call=None)``, the bytes of an event; as the connection's own."""
    if connection.format != "native" or connection.role != "backend":
        return connection.send_event
    ordinary, express, quote = connection.send_event, quick_encoder(connection), quoter()
    codec, iterencode = connection.codec, connection.codec._iterencode
    small, most = 2 * (connection.max_depth - 1), 0
    names: dict[str, str] = {}

    def measure(limit: int) -> None:
        nonlocal most
        most = limit - 1024

    connection.when_limited(measure)

    def send(topic: str, data: Any = None, call: Any = None) -> bytes:
        name = names.get(topic)
        if name is None:
            if type(topic) is not str or len(topic) > 64:
                return ordinary(topic, data, call)
            name = quote(topic)
            if len(names) < _MOST_NAMES:
                names[topic] = name
        text = ""
        if codec._dumps is None:
            try:
                text = "".join(iterencode(data, 0))
            except UNPLAIN:
                return ordinary(topic, data, call)
        if not 0 < len(text) <= small:
            text = express(data)
        if len(text) <= most:
            if call is None:
                return f'{{"cmd":{name},"status":"event","result":{text}}}\0'.encode("ascii")
            if call.__class__ is int:
                event = f'{{"cmd":{name},"status":"event","result":{text},"call":{call}}}\0'
                return event.encode("ascii")
        return ordinary(topic, data, call)

    return send


def quick_encoder(connection: Connection, levels: int = 1) -> Callable[[Any], str]:
    """Return ``express(result)``, its JSON text in ASCII; raises EncodeError as the codec does.

    ``levels`` is how many arrays and objects will stand around it.
    """
    codec, iterencode, quote = connection.codec, connection.codec._iterencode, quoter()
    depth = connection.max_depth - levels
    small, large = 2 * depth, _SHORT

    def express(result: Any) -> str:
        if result.__class__ is str and len(result) < large:
            return quote(result)
        if codec._dumps is None:
            try:
                text = "".join(iterencode(result, 0))
            except UNPLAIN:
                text = ""
            worth_orjson = len(text) >= _WORTH_ORJSON and codec._may_accelerate
            if text and not worth_orjson and (len(text) <= small or not _deep(text, depth)):
                return text
        return str(codec.encode(result, "result", levels), "ascii")

    return express


def _deep(text: str, depth: int) -> bool:
    from bridgekit.wire.depth import too_deep

    return too_deep(text.encode("ascii"), depth)


def quoter() -> Callable[[str], str]:
    """Return what makes JSON text, in ASCII, of a text."""
    try:
        from _json import encode_basestring_ascii
    except ImportError:  # pragma: no cover - an interpreter without the C accelerator
        from json.encoder import py_encode_basestring_ascii as encode_basestring_ascii
    return encode_basestring_ascii
