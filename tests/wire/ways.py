"""One stream, cut in every way that matters: whole, byte by byte, in pieces, with more behind it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bridgekit.wire

WIRE = Path(bridgekit.wire.__file__).parent


def names(layer: str) -> list[str]:
    """The implementations of a layer, found by looking into its folder."""
    return sorted(
        path.stem for path in (WIRE / layer).glob("*.py") if not path.stem.startswith("_")
    )


def layer(kind: str, name: str) -> Any:
    """A layer's module."""
    return importlib.import_module(f"bridgekit.wire.{kind}.{name}")


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """``data`` whole, byte by byte, and in pieces of odd sizes."""
    for size in (max(1, len(data)), 1, 2, 3, 7, 4096):
        yield [data[at : at + size] for at in range(0, len(data), size)]


def frames_of(make: Callable[[], Any], data: bytes) -> list[Any]:
    """What a framing makes of ``data``, the same however it is cut; errors as (class, code)."""
    seen: list[list[Any]] = []
    for pieces in cuts(data):
        framing = make()
        frames = [plainly(frame) for piece in pieces for frame in framing.feed(piece)]
        last = framing.eof()
        assert framing.eof() is None, "what was forgotten is reported again"
        seen.append(frames if last is None else [*frames, plainly(last)])
    assert all(other == seen[0] for other in seen), "it depends on how the stream is cut"
    return seen[0]


def plainly(frame: Any) -> Any:
    """A frame as it is; an error as its class and its reason."""
    return frame if isinstance(frame, bytes) else (type(frame).__name__, frame.code)


TOO_LARGE = ("FrameTooLarge", "frame_too_large")
TRUNCATED = ("DecodeError", "truncated")
STRAY = ("DecodeError", "stray_output")
UNREADABLE = ("DecodeError", "decode_error")
