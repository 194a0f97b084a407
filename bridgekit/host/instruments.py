"""What a host tells its instruments: metrics, traces, or whatever a user hangs in.

A manager without instruments hands out handles that know nothing of them, so a call pays for
them only where there are some. Instruments are told in the thread or task that calls; what one
raises is logged, and never reaches the call.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bridgekit.policy.lifecycle import StateChange
from bridgekit.wire.messages import Request

if TYPE_CHECKING:
    from bridgekit.host.session import Session

__all__ = ["CallKind", "Instrument", "Instruments", "ObservedCall", "carrying"]

CallKind: TypeAlias = Literal["call", "many", "stream"]

logger = logging.getLogger("bridgekit")

_CALLS = {("ready", "busy"), ("busy", "ready")}
_Sender: TypeAlias = Callable[[int, str, Any, float | None], bytes]


class ObservedCall:
    """One call of a host, as its instruments see it.

    ``kind`` is ``"call"``, ``"many"`` (a list of calls, of which ``items`` is the number) or
    ``"stream"``. What an instrument puts into ``headers``, text by name, travels to the backend
    and is ``current_call().headers`` there. ``notes`` is for what an instrument wants to find
    again when the call has ended: use the instrument itself as the key. ``seconds`` and
    ``error`` are known then: None for a call that returned.
    """

    __slots__ = (
        "_began",
        "_instruments",
        "backend",
        "ended",
        "error",
        "headers",
        "items",
        "kind",
        "method",
        "notes",
        "seconds",
    )

    def __init__(
        self, instruments: Instruments, backend: str, method: str, kind: CallKind, items: int = 1
    ) -> None:
        self.backend = backend
        self.method = method
        self.kind = kind
        self.items = items
        self.headers: dict[str, str] = {}
        self.notes: dict[Any, Any] = {}
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.ended = False
        self._instruments = instruments
        instruments.tell("call_started", self)
        self._began = time.monotonic()

    @property
    def name(self) -> str:
        """The method's name as it is to be handed on, with the headers if there are any."""
        return _Carrying(self.method, self.headers) if self.headers else self.method

    def end(self, error: BaseException | None = None) -> None:
        """The call is over; only the first end counts."""
        if not self.ended:
            self.ended = True
            self.seconds = time.monotonic() - self._began
            self.error = error
            self._instruments.tell("call_ended", self)


class Instrument:
    """Is told what a manager's backends do: subclass it, and override what you want to know.

    Pass instances to ``ProcessManager(instruments=[...])``. The methods must be quick and must
    not block; with :mod:`bridgekit.blocking` they run in the threads that call.
    """

    def call_started(self, call: ObservedCall) -> None:
        """A call is about to be sent or queued; fill ``call.headers`` here."""

    def call_ended(self, call: ObservedCall) -> None:
        """A call has ended, in whatever way; ``call.error`` says how."""

    def worker_changed(self, change: StateChange) -> None:
        """A worker went from one state to another, such as ``starting`` to ``ready``."""


class Instruments:
    """All instruments of one manager; false when there are none."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._each = tuple(instruments)
        for instrument in self._each:
            if not isinstance(instrument, Instrument):
                raise TypeError(f"instruments must be Instrument objects, not {instrument!r:.80}")
        if self._each:
            _Carrying.wanted = True

    def __bool__(self) -> bool:
        return bool(self._each)

    def call(self, backend: str, method: str, kind: CallKind, items: int = 1) -> ObservedCall:
        """Tell of a call that starts, and return what to :meth:`ObservedCall.end`."""
        return ObservedCall(self, backend, str(method), kind, items)

    def put(self, change: StateChange) -> None:
        """Tell of a worker's change; being busy or not is told by its calls."""
        if (change.old, change.new) not in _CALLS:
            self.tell("worker_changed", change)

    def end(self) -> None:
        """No change will come any more; a listener to changes is told so."""

    def tell(self, hook: str, subject: Any) -> None:
        """Call ``hook`` of every instrument."""
        for instrument in self._each:
            try:
                getattr(instrument, hook)(subject)
            except Exception:
                logger.exception("%s of the instrument %r raised", hook, instrument)


class _Carrying(str):
    """The name of a method, with headers that its call takes to the backend.

    A string, so that whatever stands between the caller and the wire hands it on untouched.
    """

    __slots__ = ("headers",)

    wanted = False
    """Whether any manager of this process has had instruments."""

    headers: dict[str, str]

    def __new__(cls, method: str, headers: dict[str, str]) -> _Carrying:
        name = super().__new__(cls, method)
        name.headers = headers
        return name


def carrying(session: Session, send: _Sender) -> _Sender:
    """Return ``send`` for requests that may carry headers; ``send`` itself where none can.

    The headers go ahead in a frame of their own, because what every call pays for stays as it
    is; a backend that has not said it understands them gets none.
    """
    if not _Carrying.wanted:
        return send

    def carry(call_id: int, method: str, params: Any, timeout: float | None) -> bytes:
        name = params["cmd"] if method == "$/batch" else method
        if name.__class__ is not _Carrying:
            return send(call_id, method, params, timeout)
        if name is method:
            method = str(method)
        else:
            params = {**params, "cmd": str(name)}
        data = send(call_id, method, params, timeout)
        if "headers" not in session.features:
            return data
        headers = {"call": call_id, "headers": name.headers}
        return session.connection.send(Request(None, "$/headers", headers)) + data

    return carry
