"""The shortest way for the commonest frames on a host's side: plain calls, results and events.

As :mod:`bridgekit.wire.quick` for a backend: each function does at one go what framing, codec
and dialect do for frames that are whole and ordinary, and declines anything else, having
consumed nothing. What it accepts, the ordinary way understands the same (a test compares them).
"""

from __future__ import annotations

from bridgekit.wire.bursts import SOME, Burst, BurstReader
from bridgekit.wire.codec._glance import unremarkable
from bridgekit.wire.codec.json import DIGITS, NINETEEN, WORTH_A_GLANCE, _long_number
from bridgekit.wire.depth import too_deep
from bridgekit.wire.messages import Event
from bridgekit.wire.pieces import Pieces
from bridgekit.wire.quick import FEW, LARGE, all_exact, at_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    from bridgekit.wire.connection import Connection

__all__ = ["host_parser", "host_receiver", "host_sender"]

_MOST_NAMES = 1024
_LIST = frozenset((list,))
_BATCH_DEPTH = 3
"""How deep the answer to a batch of plain calls nests: the frame, the list, each outcome."""
_NO_LIMIT: dict[Optional[float], bytes] = {None: b"", float("inf"): b""}
_N = 0x6E
"""The letter n, which is quicker to look for than ``null`` (NaN would become that)."""


def host_receiver(  # noqa: C901 - one frame
    connection: Connection,
) -> Callable[[bytes], Optional[list[Any]]]:
    """Return ``receive(data)``: a list of ``(id, result)`` and Events, or None to decline.

    A :class:`~bridgekit.wire.bursts.Burst` holds :class:`~bridgekit.wire.bursts.Run` too.
    """
    codec = connection.codec
    if connection.format != "native" or connection.role != "host":
        return lambda data: None
    loads = codec._loads
    if loads is None:
        return lambda data: None
    parts = connection.framing.parts
    depth, largest = connection.max_depth, connection.max_frame
    small = 2 * depth
    read = _reader(codec, loads, depth, largest)
    read_many = BurstReader(loads, read, depth, largest).read

    def receive(data: bytes) -> Optional[list[Any]]:
        begun = parts.size
        end = data.find(b"\0")
        if end < 0:  # the middle of a large frame
            if begun + len(data) > largest:
                return None
            parts.add(data)
            return []
        frames = [data[:end], b""] if end == len(data) - 1 else data.split(b"\0")
        tail = frames.pop()
        if begun + len(frames[0]) > largest:
            return None
        if len(frames) == 1 and not begun and not tail and small < end and depth > _BATCH_DEPTH:
            answer = _plain_answer(frames[0], loads)
            if answer is not None:
                return [answer]
        if _long_number(data):
            return None
        if begun:
            parts.add(frames[0])
            frames[0] = parts.take_view()
        many = len(frames) > SOME
        out: list[Any] = Burst(len(frames)) if many else []
        try:
            # A long number may have come in two pieces; larger frames are looked at by decode.
            torn = begun and len(frames[0]) <= small and _long_number(frames[0])
            good = not torn and (read_many if many else read)(frames, out, not begun)
        except Exception:
            good = False
        if not good:
            if begun:
                parts.add(frames[0][:begun])
            return None
        if tail:
            parts.add(tail)
        return out

    return receive


def _plain_answer(frame: bytes, loads: Callable[[bytes], Any]) -> Optional[tuple[Any, Any]]:
    """Return the id and the outcomes of a batch of plain calls, or None to decline.

    As :func:`bridgekit.wire.quick._plain_batch`.
    """
    if frame.find(b'"result":[[', 0, 80) < 0:
        return None
    try:
        value = loads(frame)
        outcomes = value["result"]
        plain = value["status"] == "success" and value["id"].__class__ is int and len(value) == 3
        if plain and _LIST.issuperset(map(type, outcomes)) and all_exact(outcomes):
            return value["id"], outcomes
    except Exception:  # it is something else
        pass
    return None


def host_parser(connection: Connection) -> Callable[[bytes, int], Optional[tuple[Any]]]:
    """Return ``parse(data, call_id)``: the result in a tuple of one, or None to decline.

    It accepts nothing but one whole frame with the success of that call.
    """
    loads = getattr(connection.codec, "_loads", None)
    if connection.format != "native" or connection.role != "host" or loads is None:
        return lambda data, call_id: None
    parts, small = connection.framing.parts, 2 * connection.max_depth

    def parse(data: bytes, call_id: int) -> Optional[tuple[Any]]:
        last = len(data) - 1
        if last > small or parts.size or data.find(b"\0") != last:
            return None
        if data.translate(DIGITS).find(NINETEEN) >= 0:
            return None
        try:
            value = loads(data[:last])
            found = value["id"]
            if found == call_id and found.__class__ is int and value["status"] == "success":
                return (value.get("result"),)
        except Exception:  # it is something else
            pass
        return None

    return parse


def _reader(
    codec: Any, loads: Callable[[bytes], Any], depth: int, largest: int
) -> Callable[[list[bytes], list[Any], bool], bool]:
    """Return what turns whole frames into outcomes; it returns False, or raises, to decline.

    Its last argument says whether all frames are known to hold no long number.
    """
    decode, small = codec.decode, 2 * depth
    together = at_once()

    def one(frame: bytes, exact: bool) -> Any:
        size = len(frame)
        if size > largest or (small < size < WORTH_A_GLANCE and too_deep(frame, depth)):
            raise ValueError
        return loads(frame) if size <= small or (exact and size < WORTH_A_GLANCE) else decode(frame)

    def read(frames: list[bytes], out: list[Any], exact: bool) -> bool:
        if len(frames) > FEW and len(max(frames, key=len)) <= small and b"" not in frames:
            values = together(frames, loads)
        else:
            values = [one(frame, exact) for frame in frames if frame]
        for value in values:
            get = value.get
            status = get("status")
            if status == "success":
                out.append((get("id"), get("result")))
            elif status == "event":
                topic = get("cmd")
                if topic.__class__ is not str or topic == "$/call":
                    return False
                out.append(Event(topic, get("result"), get("call")))
            else:
                return False
        return True

    return read


def host_sender(  # noqa: C901 - one frame
    connection: Connection,
) -> Callable[[Any, str, Any, Any], Any]:
    """Return ``send(call_id, method, params, timeout)``, the bytes of a request.

    It raises as :meth:`Connection.send_request` does. A large request may come as
    :class:`~bridgekit.wire.pieces.Pieces`.
    """
    ordinary = connection.send_request
    if connection.format != "native" or connection.role != "host":
        return ordinary
    dumps = connection.codec._dumps
    if dumps is None:
        return ordinary
    encode = connection.codec.encode
    # The envelope is one level deep, and smaller than 1024 bytes.
    depth = connection.max_depth - 1
    most = small = 0
    names: dict[str, bytes] = {}
    said = dict(_NO_LIMIT)

    def measure(limit: int) -> None:
        nonlocal most, small
        most = limit - 1024
        small = min(2 * depth, most)

    connection.when_limited(measure)

    def send(call_id: Any, method: str, params: Any, timeout: Any) -> Any:
        name = names.get(method)
        if name is None:
            if len(names) < _MOST_NAMES and len(method) < 256:
                names[method] = encode(method)
            return ordinary(call_id, method, params, timeout)
        try:
            body = dumps(params)
        except Exception:
            return ordinary(call_id, method, params, timeout)
        if params is None or not body.isascii() or len(body) > most:
            return ordinary(call_id, method, params, timeout)
        null = _N in body and body.find(b"null") >= 0
        if (null or len(body) > small) and _doubtful(body, params, depth, null):
            return ordinary(call_id, method, params, timeout)
        told = said.get(timeout)
        if told is None:
            if len(said) >= 64:
                said.clear()
                said.update(_NO_LIMIT)
            told = said[timeout] = b',"timeout":' + encode(timeout)
        if len(body) >= LARGE:
            head = b'{"id":%d,"cmd":%b,"params":' % (call_id, name)
            return Pieces((head, body, told + b"}\n"))
        return b'{"id":%d,"cmd":%b,"params":%b%b}\n' % (call_id, name, body, told)

    return send


def _doubtful(body: bytes, params: Any, depth: int, null: bool) -> bool:
    """Whether ``params``, of which orjson made ``body``, must be looked at by the ordinary way."""
    if len(body) >= WORTH_A_GLANCE and unremarkable(params, depth):
        return False
    return null or too_deep(body, depth)
