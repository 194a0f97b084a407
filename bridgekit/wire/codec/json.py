"""JSON (RFC 8259), with one observable behaviour whatever speaks it underneath.

The authority is the C scanner and encoder that the standard library's ``json`` package wraps:
they alone load in no time, where the package brings ``re`` with it. Where they are missing the
package itself is used. orjson, where installed, is an accelerator: it is asked first once it is
worth its import, and whenever it fails, or could differ from the authority, the authority
decides. NaN and Infinity are refused both ways; integers of any size pass exactly.
"""

from __future__ import annotations

import sys

from bridgekit.errors import DecodeError, EncodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

__all__ = ["UNPLAIN", "Codec", "telling"]

_WORTH_ORJSON = 65536
"""Bytes of a frame from which a backend loads orjson, if it has it."""

WORTH_A_GLANCE = 16 * 1024
"""Bytes of text from which looking at the value first is cheaper."""

DIGITS = bytes(0x64 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
NINETEEN = b"d" * 19
"""What ``bytes.translate(DIGITS)`` makes of an integer that orjson may round."""

UNPLAIN = (TypeError, ValueError, RecursionError, OverflowError, MemoryError, SystemError)
"""What encoders raise for a value they cannot take.

No wider: what a signal handler of the author's raises in the middle of encoding is not about the
value, and must reach the method that runs.
"""

_SHORT = 1024
_MANY = 1024
_BLANK = " \t\n\r"
_PADDING = frozenset(" \t\n\r\ufeff")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Scanner:
    """What ``_json.make_scanner`` wants to find on its context."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)


_NOTHING = object()


def _standard(default: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return (scan, iterencode) of the C implementation, or of the package behind it."""
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner
    except ImportError:
        return _package(default)
    encoder = make_encoder(
        None, default, encode_basestring_ascii, None, ":", ",", False, False, False
    )
    context: Any = _Scanner
    return make_scanner(context), encoder


def telling(default: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``default`` with all that an object's own code may raise told as a TypeError."""

    def plain(value: Any) -> Any:
        try:
            return default(value)
        except UNPLAIN:
            raise
        except Exception as error:
            raise TypeError(f"{type(error).__name__}: {error}") from error

    return plain


def _package(default: Callable[[Any], Any]) -> tuple[Any, Any]:
    import json

    encoder = json.JSONEncoder(
        check_circular=False, allow_nan=False, separators=(",", ":"), default=default
    )
    decoder: Any = json.JSONDecoder(
        parse_constant=_refuse_constant,
        parse_int=lambda text: int(_ascii(text)),
        parse_float=lambda text: float(_ascii(text)),
    )
    return decoder.scan_once, lambda value, _level: (encoder.encode(value),)


def _ascii(text: str) -> str:
    """Refuse the digits of other scripts, which the package's pattern takes for numbers."""
    if not text.isascii():
        raise ValueError(f"{text!r} is not a JSON number")
    return text


def plain_default(value: Any) -> Any:
    """As :func:`bridgekit.wire.plain.default`, which loads with the first value that needs it."""
    from bridgekit.wire.plain import default

    return default(value)


def _unremarkable(value: Any, depth: int) -> bool:
    from bridgekit.wire.codec._glance import unremarkable

    return unremarkable(value, depth)


def too_deep(data: bytes, depth: int) -> bool:
    """As :func:`bridgekit.wire.depth.too_deep`, which loads with the first doubtful frame."""
    if data.count(b"[") + data.count(b"{") <= depth:
        return False
    from bridgekit.wire import depth as room

    return room.too_deep(data, depth)


class Codec:
    """JSON text in UTF-8 in, ASCII-escaped JSON text out.

    ``fast`` says whether orjson is used: True at once, False never, None (the default) at once
    on a host and from the first large frame on in a backend, where start-up counts.
    """

    def __init__(
        self,
        role: str = "host",
        *,
        max_depth: int = 128,
        default: Callable[[Any], Any] = plain_default,
        fast: bool | None = None,
    ) -> None:
        self._max_depth = max_depth
        self._default = default
        self._telling = telling(default)
        self._scan, self._iterencode = _standard(self._telling)
        self._loads: Callable[[Any], Any] | None = None
        self._dumps: Callable[[Any], bytes] | None = None
        self._may_accelerate = fast is None and role == "backend"
        if fast or (fast is None and role == "host"):
            self.accelerate()

    def accelerate(self) -> bool:
        """Use orjson from now on, if it is installed; return whether it is."""
        self._may_accelerate = False
        try:
            import orjson
        except ImportError:
            return False
        option = (
            orjson.OPT_PASSTHROUGH_DATACLASS
            | orjson.OPT_PASSTHROUGH_DATETIME
            | orjson.OPT_PASSTHROUGH_SUBCLASS
        )
        default, dumps = self._telling, orjson.dumps
        self._loads = orjson.loads
        self._dumps = lambda value: dumps(value, default, option)
        self.orjson_dumps = dumps, default, option
        return True

    def encode(self, value: Any, root: str = "", levels: int = 0) -> bytes:
        """Return ``value`` as ASCII JSON.

        Raises EncodeError naming the place, under ``root``, of what JSON or the depth limit
        cannot take. ``levels`` is how deep in its frame the value will stand; 1 under a root.
        """
        depth = self._max_depth - (levels or (1 if root else 0))
        if self._dumps is not None:
            try:
                data = self._dumps(value)
            except UNPLAIN:  # the authority decides, and explains
                data = b""
            if data and data.isascii():
                if len(data) >= WORTH_A_GLANCE and _unremarkable(value, depth):
                    return data
                if data.find(b"null") < 0:  # a null may have been a NaN
                    if len(data) > 2 * depth and too_deep(data, depth):
                        raise self._explain(value, None, root, depth)
                    return data
        try:
            data = "".join(self._iterencode(value, 0)).encode("ascii")
        except UNPLAIN as error:
            data = self._with_text_keys(value, error, depth)
            if not data:
                raise self._explain(value, error, root, depth) from error
        if len(data) > 2 * depth and too_deep(data, depth):
            raise self._explain(value, None, root, depth)
        if self._may_accelerate and len(data) >= _WORTH_ORJSON:
            self.accelerate()
        return data

    def _with_text_keys(self, value: Any, error: BaseException, depth: int) -> bytes:
        """What the encoder refused for its keys alone, with text for them; else nothing."""
        if type(error) is not TypeError or not str(error).startswith("keys must be"):
            return b""
        from bridgekit.wire.plain import with_text_keys

        try:
            value = with_text_keys(value, self._telling, depth)
            return "".join(self._iterencode(value, 0)).encode("ascii")
        except UNPLAIN:
            return b""

    takes_views = True
    """A large frame need not be made bytes for :meth:`decode`."""

    def decode(self, data: Union[bytes, memoryview]) -> Any:
        """Return the value of one JSON text; raises DecodeError saying what is wrong where."""
        if self._may_accelerate and len(data) >= _WORTH_ORJSON:
            self.accelerate()
        value: Any = _NOTHING
        if self._loads is not None and len(data) >= WORTH_A_GLANCE:
            try:
                value = self._loads(data)
            except ValueError:
                pass
            if _unremarkable(value, self._max_depth):
                return value
        if not isinstance(data, bytes):
            data = bytes(data)
        if len(data) > 2 * self._max_depth and too_deep(data, self._max_depth):
            raise DecodeError(
                f"the message nests deeper than the limit of {self._max_depth} levels",
                data=data[:4096],
                code="too_deep",
            )
        if self._loads is not None and not _long_number(data):
            try:
                return self._loads(data) if value is _NOTHING else value
            except ValueError:
                pass
        return self._decode_standard(data)

    def fish_id(self, head: bytes) -> Any:
        """Return the id in the first bytes of a frame that cannot be read, or None.

        Only an id that is the frame's first member (or second, after ``"jsonrpc"``) is trusted:
        further in, the word could belong to anything.
        """
        text = head[:512].decode("ascii", "replace").lstrip(_BLANK)
        try:
            for _ in range(2):
                text = text[1:].lstrip(_BLANK) if text[:1] in ("{", ",") else ""
                key, end = self._scan(text, 0)
                rest = text[end:].lstrip(_BLANK)
                if key not in ("jsonrpc", "id") or rest[:1] != ":":
                    return None
                rest = rest[1:].lstrip(_BLANK)
                value, end = self._scan(rest, 0)
                text = rest[end:].lstrip(_BLANK)
                if key == "id":
                    whole = text[:1] in (",", "}") and "\ufffd" not in rest[:end]
                    return value if whole and type(value) in (int, str, float) else None
        except (StopIteration, ValueError, RecursionError, SystemError):
            pass
        return None

    def _decode_standard(self, data: bytes) -> Any:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(
                f"the message is not UTF-8: byte 0x{data[error.start]:02x} at position "
                f"{error.start}, in {data[max(0, error.start - 20) : error.start + 20]!r}",
                data=data[:4096],
            ) from None
        start = 0
        if text[:1] in _PADDING:  # the scanner takes no white space first
            start = len(text) - len(text[1:].lstrip(_BLANK))
        try:
            value, end = self._scan(text, start)
        except StopIteration as error:
            where = error.value if error.value is not None else start
            raise _not_json(data, f"a value is expected at character {where}") from None
        except (ValueError, RecursionError) as error:
            raise _not_json(data, str(error)) from None
        except SystemError:
            # Up to 3.11 the scanner takes its exception from the package, and crashes without it.
            if "json.decoder" in sys.modules:
                raise
            __import__("json.decoder")

            return self._decode_standard(data)
        if end != len(text) and text[end:].strip(_BLANK):
            raise _not_json(data, f"unexpected text after the value at character {end}")
        return value

    def _explain(
        self, value: Any, error: BaseException | None, root: str, depth: int
    ) -> EncodeError:
        from bridgekit.wire.plain import find_bad

        place, why = find_bad(value, depth, self._default, around=self._max_depth - depth)
        if not why:
            why = f"{type(error).__name__}: {error}" if error else "it cannot be sent"
        place = (root + place).lstrip(".")
        return EncodeError(f"{place or 'the value'} cannot be sent as JSON: {why}", place=place)


def _not_json(data: bytes, why: str) -> DecodeError:
    shown = repr(data[:80]) + ("..." if len(data) > 80 else "")
    return DecodeError(f"the message is not JSON: {why}; it begins {shown}", data=data[:4096])


def _long_number(data: bytes) -> bool:
    """Tell whether ``data`` holds an integer of 19 digits or more, which orjson may round.

    Nineteen digits in a row cover one of every sixteenth byte and four of every fourth, so most
    of a long text need not be looked at.
    """
    if len(data) > _SHORT:
        if data[::16].translate(DIGITS).find(b"d") < 0:
            return False
        sample = data[::4].translate(DIGITS)
        at = -1
        for _ in range(_MANY):
            at = sample.find(b"dddd", at + 1)
            if at < 0:
                return False
            if data[4 * at : 4 * at + 13].isdigit():
                break
    return data.translate(DIGITS).find(NINETEEN) >= 0
