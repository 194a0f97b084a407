"""Starts tasks from callbacks of the event loop, which run in no task.

anyio's task groups ask which event library runs before they start a task. Where sniffio is
installed (trio brings it) that question is answered by the running task or by a context
variable; in a callback of asyncio's loop there is no task, and only ``anyio.run`` has set the
variable. Under plain ``asyncio.run`` it is set here.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from bridgekit.host.channels import channel_class

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Starter"]


class Starter:
    """The part of a task group that starts tasks; made in a task, used from anywhere.

    ``channel`` is the class of channels for the event library that runs.
    """

    def __init__(self, group: TaskGroup) -> None:
        self.channel = channel_class()
        self._start: Callable[..., object] = group.start_soon
        self._outside: contextvars.Context | None = None
        sniffio = sys.modules.get("sniffio")
        if sniffio is not None and sniffio.current_async_library() == "asyncio":
            self._outside = contextvars.copy_context()
            self._outside.run(sniffio.current_async_library_cvar.set, "asyncio")

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        """As :meth:`anyio.abc.TaskGroup.start_soon`."""
        if self._outside is None or _in_task():
            self._start(function, *args)
        else:
            self._outside.copy().run(self._start, function, *args)


def _in_task() -> bool:
    import asyncio

    return asyncio.current_task() is not None
