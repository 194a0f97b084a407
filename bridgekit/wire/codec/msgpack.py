"""MessagePack (https://msgpack.org), through the package ``msgpack``, loaded when a codec is made.

What differs from JSON: bytes stay bytes, NaN and the infinities pass, and integers must fit 64
bits. Maps have text for keys, as JSON objects do: other keys that our JSON turns into text are
turned into the same text, and a peer's map with a number for a key is refused. A timestamp
arrives as its seconds since 1970; other extension types are refused.
"""

from __future__ import annotations

from bridgekit.errors import BridgeError, DecodeError, EncodeError
from bridgekit.wire.codec.json import UNPLAIN, telling
from bridgekit.wire.plain import default as text_default
from bridgekit.wire.plain import default_binary, find_bad, with_text_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Codec"]

_NOT_OPENING = bytes(
    byte for byte in range(256) if not (0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF)
)
_BYTES = (bytes, bytearray, memoryview)


class Codec:
    """Values as MessagePack; raises BridgeError when the package is missing."""

    def __init__(
        self,
        role: str = "host",
        *,
        max_depth: int = 128,
        default: Callable[[Any], Any] = text_default,
    ) -> None:
        try:
            import msgpack  # type: ignore[import-untyped]
        except ImportError:
            import sys

            from bridgekit.wire.missing import missing_package

            raise BridgeError(
                "the msgpack wire needs " + missing_package("msgpack", sys.executable)
            ) from None
        self._max_depth = max_depth
        self._default = default_binary if default is text_default else default
        self._telling = telling(self._default)
        self._pack: Callable[..., bytes] = msgpack.packb
        self._unpackb: Callable[..., Any] = msgpack.unpackb

    def encode(self, value: Any, root: str = "", levels: int = 0) -> bytes:
        """Return ``value`` as MessagePack.

        Raises EncodeError naming the place, under ``root``, of what cannot be sent; ``levels``
        is how deep in its frame the value will stand.
        """
        depth = self._max_depth - (levels or (1 if root else 0))
        try:
            data = self._pack(value, default=self._telling)
            if not self._keeps_rules(data, depth):
                data = self._pack(with_text_keys(value, self._telling, depth, _BYTES))
                self._unpack(data)
        except UNPLAIN as error:
            raise self._explain(value, error, root, depth) from error
        return data

    def decode(self, data: bytes) -> Any:
        """Return the value of one MessagePack text; raises DecodeError saying what is wrong."""
        try:
            value = self._unpack(data)
        except Exception as error:  # a parser in C may raise any of a dozen
            why = str(error) or type(error).__name__
            raise DecodeError(
                f"the message is not MessagePack: {why}; it begins {data[:40]!r}", data=data[:4096]
            ) from None
        if _may_nest(data, self._max_depth) and _nests_deeper(value, self._max_depth):
            raise DecodeError(
                f"the message nests deeper than the limit of {self._max_depth} levels",
                data=data[:4096],
                code="too_deep",
            )
        return value

    def fish_id(self, head: bytes) -> Any:
        """Return the id in the first bytes of a frame that cannot be read, or None.

        Only an id that is the frame's first member is trusted.
        """
        first = head[:1]
        after = 1 if b"\x80" <= first <= b"\x8f" else {b"\xde": 3, b"\xdf": 5}.get(first, 0)
        if not after or head[after : after + 3] != b"\xa2id":
            return None
        text = head[after + 3 : after + 515]
        kind = text[:1]
        if kind <= b"\x7f" or kind >= b"\xe0":
            size = 1
        elif b"\xa0" <= kind <= b"\xbf":
            size = 1 + kind[0] - 0xA0
        else:
            size = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9}.get(
                kind[0], 2 + (text[1] if len(text) > 1 else 0) if kind == b"\xd9" else 0
            )
        try:
            return self._unpack(text[:size]) if 0 < size <= len(text) else None
        except Exception:
            return None

    def _unpack(self, data: bytes) -> Any:
        return self._unpackb(data, raw=False, strict_map_key=True, timestamp=1, ext_hook=_refuse)

    def _keeps_rules(self, data: bytes, depth: int) -> bool:
        """Whether a peer of ours would take ``data``."""
        try:
            value = self._unpack(data)
        except Exception:
            return False
        return not (_may_nest(data, depth) and _nests_deeper(value, depth))

    def _explain(self, value: Any, error: BaseException, root: str, depth: int) -> EncodeError:
        leaves, around = (str, int, float, *_BYTES), self._max_depth - depth
        place, why = find_bad(value, depth, self._default, _refused, leaves, around)
        place = (root + place).lstrip(".")
        why = why or f"{type(error).__name__}: {error}"
        return EncodeError(
            f"{place or 'the value'} cannot be sent as MessagePack: {why}", place=place
        )


def _refuse(code: int, data: bytes) -> Any:
    raise ValueError(f"extension type {code} is not part of this wire")


def _refused(item: Any) -> str:
    if isinstance(item, str):
        try:
            item.encode()
        except UnicodeEncodeError as error:
            return f"it is not text: {error}"
    elif isinstance(item, int) and not -(2**63) <= item < 2**64:
        return "it does not fit 64 bits; send it as text"
    return ""


def _may_nest(data: bytes, limit: int) -> bool:
    return len(data) > limit and len(data.translate(None, _NOT_OPENING)) > limit


def _nests_deeper(value: Any, limit: int) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _ in range(limit):
        level = [
            part
            for whole in level
            for part in (whole.values() if type(whole) is dict else whole)
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return False
    return True
