"""Calls from a backend to functions that its host exposes: each runs in a thread of its own.

A function may take its time, and may call the backend that called it; so it holds up neither
the wire nor the event handlers.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bridgekit.errors import BackendError
from bridgekit.wire.messages import Request

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.host.exposed import Exposed

__all__ = ["MOST", "HostCalls"]

MOST = 100
"""Calls to functions of the host that may run at once for one backend."""


class HostCalls:
    """Runs the requests of one backend."""

    def __init__(self, name: str, exposed: Exposed, channel: Channel) -> None:
        self.last: Request | None = None
        self._name = name
        self._exposed = exposed
        self._channel = channel
        self._running = 0
        self._closed = False

    def put(self, request: Request) -> None:
        """Run ``request``; called with the channel's lock held."""
        self.last = request
        if self._closed:
            return
        session = self._channel.session
        if self._running >= MOST:
            error = BackendError(f"the host already runs {MOST} calls of yours")
            session.reply_error(request.id, error)
            return
        thread = threading.Thread(
            target=self._answer,
            args=(request,),
            name=f"bridgekit-host-call-{self._name}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is going down
            session.reply_error(request.id, error)
        else:
            self._running += 1

    def close(self) -> None:
        """Start nothing more."""
        self._closed = True

    def _answer(self, request: Request) -> None:
        session = self._channel.session
        try:
            result = self._exposed.invoke(request.method, request.params)
            if hasattr(result, "__await__"):
                getattr(result, "close", lambda: None)()
                raise TypeError(
                    f"{request.method!r} is an async function: bridgekit.blocking runs plain ones"
                )
        except BaseException as error:  # SystemExit too: else nobody would answer
            failure = error
            self._channel.send(lambda: session.reply_error(request.id, failure))
        else:
            self._channel.send(lambda: session.reply(request.id, result))
        finally:
            with self._channel.lock:
                self._running -= 1
