"""One call in flight, without I/O: what is waited for, until when, and the hooks that end it.

Each face (asyncio, trio, threads) subclasses these with its own way of waking a waiter. Exactly
one of ``settle`` and ``fail`` is called, exactly once, by whoever took the call from the table.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from bridgekit.errors import ProtocolError
from bridgekit.wire.messages import Event

__all__ = ["WINDOW", "AwaitedCall", "PendingCall", "StreamCall"]

WINDOW = 64
"""Items of a stream that a backend may send ahead of its consumer."""


class PendingCall:
    """A call that waits for its outcome.

    ``timeout`` is what the backend is told, in seconds; ``deadline`` the moment (of
    ``time.monotonic``) at which the host gives up, ``math.inf`` for never.
    """

    __slots__ = ("deadline", "id", "method", "on_event", "params", "timeout")

    def __init__(
        self,
        method: str,
        params: Any = None,
        timeout: float | None = None,
        deadline: float = math.inf,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self.id: Any = None
        self.method = method
        self.params = params
        self.timeout = timeout
        self.deadline = deadline
        self.on_event = on_event

    def settle(self, result: Any) -> None:
        """The backend answered with ``result``."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """The call ended in ``error``."""
        raise NotImplementedError


class AwaitedCall(PendingCall):
    """A call that a task awaits: ``await call``, then ``value``, or raise ``take_error()``.

    Awaiting returns nothing, so that no frame of ours stands between the task and its loop.
    """

    __slots__ = ("done", "error", "value")

    done: bool
    value: Any
    error: BaseException | None

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for the outcome; cancelling the waiting task cancels the call."""
        raise NotImplementedError

    def take_error(self) -> BaseException:
        """Return the error to raise, and let go of it: its traceback would keep us alive."""
        error, self.error = self.error, None
        assert error is not None
        return error


class StreamCall(PendingCall):
    """A call whose items are consumed one by one while it runs.

    Take items with :meth:`take`; when it has none, ``ended`` tells whether more may come, and
    ``error`` and ``result`` how it ended.
    """

    __slots__ = ("ended", "error", "item_timeout", "items", "result", "seq", "total", "unacked")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.items: deque[Any] = deque()
        self.ended = False
        self.error: Exception | None = None
        self.result: Any = None
        self.item_timeout: float | None = None
        self.seq = 0
        self.unacked = 0
        self.total = 0

    def wake(self) -> None:
        """Something changed: an item came or the stream ended."""
        raise NotImplementedError

    def add(self, data: Any) -> None:
        """Take one ``$/item`` event's data; raises ProtocolError when it breaks the rules."""
        self.check_item(data)
        self.seq = data["seq"]
        self.total += 1
        self.items.append(data.get("value"))
        self.wake()

    def check_item(self, data: Any) -> None:
        """Raise ProtocolError when an item breaks the rules."""
        if type(data) is not dict or type(data.get("seq")) is not int:
            raise ProtocolError(f"an item of {self.method!r} came without its number")
        if len(self.items) >= 2 * WINDOW:
            raise ProtocolError(
                f"the backend sent more than {WINDOW} items of {self.method!r} ahead of its "
                "consumer; it ignores the stream's window"
            )

    def take(self) -> tuple[Any] | None:
        """Return the next item in a tuple of one, or None when there is none now."""
        if not self.items:
            return None
        self.unacked += 1
        return (self.items.popleft(),)

    def settle(self, result: Any) -> None:
        self.result = result
        if not self.total and type(result) is list:
            # A plain method, or a backend that cannot stream: its list is the stream.
            self.items.extend(result)
        self.ended = True
        self.wake()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.ended = True
        self.wake()
