"""A format is a framing, a codec and a dialect under one name, such as ``native``.

The name is the name of a dialect module, which says which framing and codec its messages travel
on; so a new format is a new file in ``dialect/`` and nothing else.
"""

from __future__ import annotations

from bridgekit.errors import BridgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ["Format", "available_formats", "load_format", "require_format"]


class Format:
    """The three classes behind a format's name."""

    __slots__ = ("codec", "dialect", "framing", "name")

    def __init__(self, name: str, framing: Any, codec: Any, dialect: Any) -> None:
        self.name = name
        self.framing = framing
        self.codec = codec
        self.dialect = dialect


def load_format(name: str) -> Format:
    """Return the format called ``name``; raises BridgeError naming those that there are."""
    dialect = _module("dialect", name)
    framing = _module("framing", dialect.FRAMING)
    codec = _module("codec", dialect.CODEC)
    return Format(name, framing.Framing, codec.Codec, dialect.Dialect)


def require_format(name: str) -> None:
    """Raise BridgeError, naming those that there are, when no format is called ``name``.

    Whether what the format needs is installed is seen by :func:`load_format`.
    """
    _module("dialect", name)


def available_formats() -> list[str]:
    """Return the names of all formats, found by looking into the folder of dialects."""
    import os

    folder = os.path.join(os.path.dirname(__file__), "dialect")
    return sorted(
        entry[:-3]
        for entry in os.listdir(folder)
        if entry.endswith(".py") and not entry.startswith("_")
    )


def _module(layer: str, name: str) -> ModuleType:
    path = f"bridgekit.wire.{layer}.{name}"
    if not name.isidentifier() or name.startswith("_"):
        raise _unknown(layer, name)
    try:
        return __import__(path, fromlist=["*"])
    except ImportError as error:
        if getattr(error, "name", None) == path:
            raise _unknown(layer, name) from None
        raise


def _unknown(layer: str, name: str) -> BridgeError:
    if layer != "dialect":
        return BridgeError(f"there is no {layer} called {name!r}")
    known = ", ".join(available_formats())
    return BridgeError(f"there is no wire format called {name!r}; there are: {known}")
