"""RPyC's child: a service on stdin and stdout."""

from __future__ import annotations

import os
from collections.abc import Callable

import rpyc  # type: ignore[import-untyped]
from rpyc.core.stream import PipeStream  # type: ignore[import-untyped]
from rpyc.utils.factory import connect_stream  # type: ignore[import-untyped]


class Service(rpyc.Service):  # type: ignore[misc]
    """What the host may call."""

    def exposed_echo(self, value: str) -> str:
        """Give the value back."""
        return value

    def exposed_fire(self, count: int, tick: Callable[[int], None]) -> int:
        """Call back once per event, without waiting for an answer."""
        notify = rpyc.async_(tick)
        for number in range(count):
            notify(number)
        return count


if __name__ == "__main__":
    # Not ``connect_stdpipes``: it leaves an integer in ``sys.stdout``, which fails at exit.
    wire = PipeStream(os.fdopen(0, "rb", 0), os.fdopen(1, "wb", 0))
    connect_stream(wire, service=Service).serve_all()
