"""The host for plain blocking code: the names of ``bridgekit``'s host without ``await``.

::

    from bridgekit.blocking import ProcessManager

    with ProcessManager() as manager:
        backend = manager.spawn("counter.py")
        backend.call("add", {"a": 1, "b": 2})

Usable from any number of threads, with no event loop, inside a running one and in a Jupyter
kernel: nothing here goes through an event loop.
"""

from __future__ import annotations

from bridgekit.blocking.events import EventQueue
from bridgekit.blocking.handle import Backend
from bridgekit.blocking.hub import Changes
from bridgekit.blocking.manager import ProcessManager
from bridgekit.blocking.stream import Stream

__all__ = ["Backend", "Changes", "EventQueue", "ProcessManager", "Stream"]
