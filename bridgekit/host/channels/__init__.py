"""Channels carry a session's bytes under one event loop library each, found by its name.

A module here has one class, ``Channel``, of the shape of
:class:`~bridgekit.host.channels.base.BaseChannel`. The descriptors are watched and written
directly: stream objects of the libraries cost several times as much for each message.
"""

from __future__ import annotations

import importlib
import sys
from typing import cast

import anyio

from bridgekit.errors import BridgeError
from bridgekit.host.channels.base import BaseChannel

__all__ = ["channel_class"]


def channel_class() -> type[BaseChannel]:
    """Return the channel class for the library that runs the current task.

    Raises BridgeError when no event loop runs, or one that has no channel here.
    """
    library = _running_library()
    name = f"{library}_threads" if sys.platform == "win32" else library
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise BridgeError(f"there is no channel for the event loop library {library!r}") from None
    return cast("type[BaseChannel]", module.Channel)


def _running_library() -> str:
    """Name the library that anyio finds running, by what it raises to cancel a task."""
    try:
        cancelled = anyio.get_cancelled_exc_class()
    except (RuntimeError, ImportError):  # none runs, or one that anyio does not know either
        raise BridgeError(
            "ProcessManager needs a running event loop; without one use bridgekit.blocking"
        ) from None
    return cancelled.__module__.partition(".")[0]
