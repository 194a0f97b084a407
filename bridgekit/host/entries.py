"""One call on its way to a worker: it waits in the queue, is sent by its driver, maybe again.

Knows no event loop and no thread: each face of the host subclasses it with its own way of waking
who waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bridgekit.host.arguments import checked_priority
from bridgekit.policy.pooling import Worker
from bridgekit.policy.queueing import Ticket
from bridgekit.wire.messages import Event

__all__ = ["Entry"]


class Entry:
    """A call that has no worker yet, or that may need another one.

    When the driver has sent it, ``call`` is what to wait for. When it will never be sent,
    ``error`` says why. With ``sends=False`` the driver sends nothing: it grants a place at
    ``worker`` (for streams and lists of calls, which send by themselves). ``deadline`` is a
    moment of ``time.monotonic``, ``timeout`` the seconds it stands for.
    """

    __slots__ = (
        "call",
        "deadline",
        "error",
        "idempotent",
        "method",
        "on_event",
        "params",
        "priority",
        "resent",
        "sends",
        "ticket",
        "timeout",
        "worker",
    )

    def __init__(
        self,
        method: str,
        params: Any,
        now: float,
        timeout: float | None,
        *,
        on_event: Callable[[Event], object] | None = None,
        idempotent: bool = False,
        priority: int = 0,
        sends: bool = True,
    ) -> None:
        self.method = method
        self.params = params
        self.timeout = timeout
        self.deadline = math.inf if timeout is None else now + timeout
        self.on_event = on_event
        # A place that was granted and not used yet can always be taken back and granted again.
        self.idempotent = idempotent or not sends
        self.priority = checked_priority(priority)
        self.resent = False
        self.sends = sends
        self.ticket: Ticket | None = None
        self.worker: Worker | None = None
        self.call: Any = None
        self.error: Exception | None = None

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for in the queue any more."""
        return self.call is not None or self.error is not None or self._granted

    @property
    def _granted(self) -> bool:
        return not self.sends and self.worker is not None

    def wait_again(self) -> None:
        """Its worker died, and it is in the queue once more."""
        self.call = self.worker = None
        if not self.sends:
            self.resent = False

    def fail(self, error: Exception) -> None:
        """It will never be sent."""
        self.error, self.ticket = error, None
        self.wake()

    def take_error(self) -> Exception:
        """Return the error to raise, and let go of it: its traceback would keep us alive."""
        error, self.error = self.error, None
        assert error is not None
        return error

    def wake(self) -> None:
        """It is ``settled``: wake who waits for that."""
        raise NotImplementedError
