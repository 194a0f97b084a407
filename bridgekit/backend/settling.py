"""What a loop says: its events, and the answers to calls off the main thread or that failed."""

from __future__ import annotations

import os
import sys

from bridgekit.backend.call import key_of
from bridgekit.backend.invoke import raised_by_call
from bridgekit.errors import Cancelled, FrameTooLarge
from bridgekit.wire.messages import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.call import Call, CurrentCalls
    from bridgekit.backend.dispatch import Method
    from bridgekit.wire.connection import Connection

__all__ = ["Settling", "attribute", "plain_text", "type_name"]

_MOST_CODE = 100
"""Characters of a code that are told where there is little room."""


class Settling:
    """The part of a loop that turns events and outcomes into bytes."""

    if TYPE_CHECKING:
        active: dict[Any, Any]
        bridge: Any
        connection: Connection
        current: CurrentCalls
        ending: Any
        resting: bool
        errors: int
        event_bytes: Any
        features: frozenset[str]
        farewell: Any
        hook_ran: bool
        methods: dict[str, Method]
        outbox: Any
        rest: Any
        running: Any
        signals: Any
        status: int
        streams: list[Any]
        wire: Any

        def stop(self, reason: str, status: int = 0) -> None: ...

    def send_event(self, topic: str, data: Any) -> None:
        """Send an event of the author's, tied to the call it is sent in."""
        call = self.current.id() if self.features else None
        self.outbox.post(self.event_bytes(topic, data, call))

    def warm_up(self) -> None:
        """There is much to do: load what does it faster, where that is installed."""
        accelerate = getattr(self.connection.codec, "accelerate", None)
        if accelerate is not None and accelerate():
            from bridgekit.backend.bridge import PythonBridge
            from bridgekit.backend.events import quick_send_event

            bridge = self.bridge
            if type(bridge).send_event is PythonBridge.send_event:
                quick = quick_send_event(self, bridge.send_event)  # type: ignore[arg-type]
                bridge.__dict__.setdefault("send_event", quick)

    def failed(self, entry: Any, error: BaseException) -> bytes:
        """Return the answer for a call on the main thread that raised."""
        self.running = None
        self.errors += 1
        call = self.current.of(entry)
        call.done = True
        return self.send_failure(self.failure(call, error, entry[2]))

    def failure(self, call: Call, error: BaseException, params: Any = None) -> Failure:
        """What a call's caller is told about what the call raised."""
        for attempt in (1, 2):
            try:
                return self._explained(call, error, params)
            except Cancelled:
                raise
            except BaseException:
                # No descriptor or memory is left to load and read source with; or an exception
                # of the author's raises when it is looked at.
                if attempt == 1:
                    _release(error)
        return Failure(call.id, plain_text(error), type=type_name(error))

    def _explained(self, call: Call, error: BaseException, params: Any) -> Failure:
        from bridgekit.backend.failures import failure_of

        if raised_by_call(error):
            from bridgekit.backend.binding import explain_type_error

            error = explain_type_error(call._entry, params) or error  # type: ignore[arg-type]
        failure = failure_of(call.id, error)
        if isinstance(error, Cancelled) and self.ending and not call._cancelled:
            failure.code, failure.error = "shutting_down", "the backend is shutting down"
        return failure

    def send_failure(self, failure: Failure) -> bytes:
        """Return the bytes of a failure, without its data and code, or its id, if they cannot be sent.

        One that is still too large goes without its traceback, and with the start of its text. A
        host may have sent an id that JSON cannot say: ``1e999`` is infinite here.
        """
        try:
            return self.connection.send(failure)
        except Exception as error:
            if getattr(error, "place", "").startswith("id"):
                failure.id = None
                failure.error += f" (it has no id, because {error})"
            elif failure.data is not None:
                failure.error += f" (its data could not be sent: {error})"
            failure.data = None
            try:
                return self.connection.send(failure)
            except FrameTooLarge:
                return self._send_briefly(failure)
            except Exception as second:
                failure.code = None
                failure.error += f" (nor could its code: {second})"
                return self.connection.send(failure)

    def _send_briefly(self, failure: Failure) -> bytes:
        text, kept = failure.error, self.connection.most
        failure.traceback = None
        if type(failure.code) is str:
            failure.code = failure.code[:_MOST_CODE]
        while kept:
            try:
                return self.connection.send(failure)
            except FrameTooLarge:
                kept //= 2
                failure.error = text[:kept] + "..."
        # Its id, or the name of its type, is all that is left to be too large.
        return self.connection.send(Failure(None, "an answer was too large", "frame_too_large"))

    def refusal(self, call_id: Any, error: BaseException) -> bytes:
        """Return the answer to a request that could not be made a call."""
        from bridgekit.backend.failures import failure_of

        self.errors += 1
        return self.send_failure(failure_of(call_id, error))

    def settle(self, call: Call, result: Any) -> bytes:
        """A call off the main thread returned ``result``; return its answer.

        Whoever has sent that must :meth:`forget` the call.
        """
        try:
            if call.batch is not None:
                call.batch.put(call, [result])
                reply = b""
            else:
                reply = self.connection.send_result(call.id, result)
        except Exception as error:
            return self.settle_error(call, error)
        return reply

    def settle_error(self, call: Call, error: BaseException, params: Any = None) -> bytes:
        """A call off the main thread raised ``error``; return its answer."""
        self.errors += 1
        failure = self.failure(call, error, params)
        if call.batch is None:
            return self.send_failure(failure)
        from bridgekit.backend.failures import failure_fields

        try:
            call.batch.put(call, {"error": failure_fields(failure)})
        except Exception as second:
            failure.data = failure.code = None
            failure.error += f" (its data could not be sent: {second})"
            call.batch.put(call, {"error": failure_fields(failure)})
        return b""

    def forget(self, call: Call) -> None:
        """The call is over."""
        call.done = True
        self.active.pop(key_of(call.id), None)
        if self.resting and not self.active and self.rest.locked():
            try:
                self.rest.release()
            except RuntimeError:  # another thread was faster
                pass

    # -- the end of the backend ------------------------------------------------------------

    def shut_down(self) -> Any:
        """The ``shutdown`` command: the author's method, then the hook, then the answer."""
        if self.streams:
            from bridgekit.backend.streams import serve_first

            serve_first(self)  # type: ignore[arg-type]
        self.farewell = self.bridge.shutdown()
        self.stop("shutdown")
        try:
            self.run_stop_hook()
        except Exception:  # it is the answer as well, which a host that is leaving does not read
            self.tell_of_hook()
            raise
        return self.farewell

    def run_stop_hook(self) -> None:
        """Run the author's stop hook, once."""
        if not self.hook_ran:
            self.hook_ran = True
            from bridgekit.backend.runner import call_hook

            call_hook(self, self.bridge.on_stop)  # type: ignore[arg-type]

    def tell_of_hook(self) -> None:
        """The stop hook has just raised: say so to people and to whoever looks at the status."""
        self.status = self.status or 1
        sys.excepthook(*sys.exc_info())

    def forked(self) -> None:
        """This is a forked copy of the backend, a worker of its pool perhaps: it has no host.

        It must not say anything on the wire, nor keep it open, nor handle its signals our way.
        """
        self.ending, self.hook_ran = "forked", True
        self.wire.capture.emit = None
        self.outbox.abandon()
        for descriptor in (self.wire.reader, self.wire.writer):
            try:
                os.close(descriptor)
            except OSError:
                pass
        if self.signals is not None:
            self.signals.restore()
            self.signals.let_go()

    def close(self) -> None:
        """Nothing is read or answered any more; what is printed goes to stderr."""
        self.wire.capture.emit = None
        self.outbox.flush()
        if self.signals is not None:
            self.signals.restore()


def _release(error: BaseException) -> None:
    """Let go of what the frames of ``error`` hold, open files above all; its lines stay."""
    trace = error.__traceback__
    while trace is not None:
        try:
            trace.tb_frame.clear()
        except RuntimeError:  # it is running: one of ours
            pass
        trace = trace.tb_next


def attribute(error: BaseException, name: str) -> Any:
    """Return what the author has set on an exception; None where even asking for it raises."""
    try:
        return getattr(error, name, None)
    except Cancelled:
        raise
    except BaseException:
        return None


def plain_text(error: BaseException) -> str:
    """Return the text of an exception, whatever making it may raise."""
    try:
        return str(error) or type_name(error)
    except Cancelled:
        raise
    except BaseException:
        return f"<the text of {type_name(error)} could not be made>"


def type_name(error: BaseException) -> str:
    """Return the name of an exception's type, whatever its metaclass does."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name
