"""The call that is running: what a method can say about its progress, and hear about its end."""

from __future__ import annotations

from _thread import allocate_lock, get_ident
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import ContextVar
    from typing import Any, Optional

    from bridgekit.backend.dispatch import Method
    from bridgekit.backend.loop import Loop

__all__ = [
    "Call",
    "CurrentCalls",
    "current_call",
    "deadline_of",
    "get_current",
    "key_of",
    "set_current",
]

_LEVELS = ("debug", "info", "warning", "error", "critical")


class Call:
    """One call of one method.

    ``id`` is its id on the wire, ``method`` the name that was called. The object may be passed
    to threads of the method's own and used there; what it is told after the call is dropped.
    """

    __slots__ = (
        "_cancelled",
        "_entry",
        "_loop",
        "_polled",
        "batch",
        "deadline",
        "done",
        "id",
        "index",
        "interrupt",
        "origin",
        "raised",
    )

    def __init__(self, loop: Any, id: Any, entry: Any, deadline: Optional[float] = None) -> None:
        self._loop: Optional[Loop] = loop
        self._entry: Optional[Method] = entry
        self.id = id
        self.deadline = deadline
        self._cancelled = self._polled = self.done = False
        self.raised = 0.0  # when it was interrupted
        self.batch: Any = None
        self.index = 0
        self.interrupt = False
        self.origin: Any = None

    @property
    def method(self) -> str:
        """The name that was called."""
        return self._entry.name if self._entry is not None else ""

    @property
    def cancelled(self) -> bool:
        """Whether the caller no longer wants the answer.

        A method that asks is trusted to stop soon by itself and is interrupted only a second
        later; one that never asks is interrupted at once.
        """
        self._polled = True
        return self._cancelled

    @property
    def remaining(self) -> Optional[float]:
        """Seconds until the caller gives up (never below zero), or None if it waits for ever.

        ``deadline`` is the same as a moment of :func:`time.monotonic`.
        """
        return None if self.deadline is None else max(0.0, self.deadline - monotonic())

    @property
    def headers(self) -> dict[str, str]:
        """What the host's instruments sent with the call, such as ``traceparent``; often empty."""
        loop = self._loop
        if loop is None or not loop.headers:
            return {}
        batch = self.batch
        if batch is None and loop.batch is not None and loop.batch.has(self.id):
            batch = loop.batch
        call_id = self.id if batch is None else batch.id  # the items of a batch share them
        return dict(loop.headers.get(key_of(call_id), {}))

    def progress(
        self, progress: float, message: Optional[str] = None, step: Optional[str] = None
    ) -> None:
        """Tell the caller how far the work is, from 0.0 to 1.0 (else ValueError).

        Dropped where the host has not asked for progress.
        """
        value = float(progress)
        if not -1e-6 <= value <= 1.000001:
            raise ValueError(f"progress goes from 0.0 to 1.0, not {progress!r}")
        data: dict[str, Any] = {"progress": min(1.0, max(0.0, value))}
        if message is not None:
            data["message"] = str(message)
        if step is not None:
            data["step"] = str(step)
        self._say("progress", data)

    def log(self, message: object, level: str = "info", logger: Optional[str] = None) -> None:
        """Send the caller a line of log; ``level`` is a level's name from the logging module."""
        if level not in _LEVELS:
            raise ValueError(f"level must be one of {', '.join(_LEVELS)}, not {level!r}")
        self._say("log", {"level": level, "message": str(message), "logger": logger})

    def raise_if_cancelled(self) -> None:
        """Raise :class:`bridgekit.Cancelled` here if the caller has cancelled."""
        if self.cancelled:
            from bridgekit.errors import Cancelled

            self.raised = monotonic()
            raise Cancelled("the caller cancelled the call")

    def _say(self, kind: str, data: dict[str, Any]) -> None:
        loop = self._loop
        if loop is not None and not self.done and kind in loop.features:
            loop.outbox.post(loop.event_bytes("$/" + kind, data, self.id))

    def __repr__(self) -> str:
        return f"<Call {self.id!r} of {self.method!r}>"


NOBODY = Call(None, None, None)

_variable: Optional[ContextVar[Optional[Call]]] = None
_making = allocate_lock()
_main: Optional[CurrentCalls] = None


def set_current(call: Optional[Call]) -> object:
    """Make ``call`` the one that runs in this context and in copies of it."""
    return (_variable or _make_variable()).set(call)


def _make_variable() -> ContextVar[Optional[Call]]:
    """A backend of plain methods needs none, and starts sooner without."""
    global _variable
    with _making:
        if _variable is None:
            from _contextvars import ContextVar

            _variable = ContextVar("bridgekit_call", default=None)
        return _variable


def get_current() -> Optional[Call]:
    """The call that runs in this context, or None."""
    return None if _variable is None else _variable.get()


def key_of(call_id: Any) -> Any:
    """Return what stands for a call's id in a dict; hosts may send any JSON as an id."""
    return call_id if call_id.__class__ in (int, str) else repr(call_id)


def deadline_of(timeout: Any, now: float) -> Optional[float]:
    """When a call's time is over; nonsense from a host counts as no limit."""
    try:
        return now + timeout if timeout.__class__ in (int, float) else None
    except OverflowError:  # an integer beyond every float: nobody waits for that
        return None


def current_call() -> Call:
    """Return the call that is running here.

    On the main thread that is the one that runs there; elsewhere it follows context variables,
    into ``asyncio.to_thread`` and whatever else copies the context. A thread that a method
    starts by hand sees it where it was given the object. Where no call runs the object returned
    swallows everything, so that methods can be tested without a host.
    """
    if _main is not None and get_ident() == _main.loop.main:
        return _main.here()
    call = get_current()
    return NOBODY if call is None or call.done else call


class CurrentCalls:
    """Makes the object of the call on the main thread, for whoever asks first."""

    def __init__(self, loop: Loop) -> None:
        global _main
        self.loop = loop
        self.lock = allocate_lock()
        _main = self

    def here(self) -> Call:
        """The call that runs on the main thread, asked for there."""
        entry = self.loop.running
        if entry is None:
            return NOBODY
        call = self.of(entry)
        set_current(call)  # from here on copies of the context know it
        return call

    def of(self, entry: Any) -> Call:
        """The object of a call; the same for everybody who asks while it runs."""
        if entry.__class__ is Call:
            return entry
        loop = self.loop
        with self.lock:
            call = loop.call
            if call is None or call.origin is not entry:
                late = entry[4] if len(entry) == 5 else deadline_of(entry[3], loop.began)
                call = Call(loop, entry[0], loop.methods.get(entry[1]), late)
                call.origin = entry
                if loop.running is entry:
                    loop.call = call
            return call

    def end(self) -> None:
        """The call on the main thread is over."""
        call, self.loop.call = self.loop.call, None
        if call is not None:
            call.done = True

    def id(self) -> Any:
        """The id of the call that is running here, or None."""
        if get_ident() == self.loop.main:
            entry = self.loop.running
            return None if entry is None else entry.id if entry.__class__ is Call else entry[0]
        call = get_current()
        return None if call is None or call.done else call.id
