"""Every error that bridgekit raises, in one tree, so that a caller can catch as much as it means to.

::

    BridgeError
    ├── ProtocolError             the bytes or messages themselves are wrong
    │   ├── FrameTooLarge         a frame is over the cap that both sides agreed on
    │   ├── DecodeError           bytes arrived that are not a message
    │   ├── EncodeError           a value cannot be put on the wire
    │   └── VersionMismatch       the two sides speak different protocol versions
    ├── CallError                 one call did not end in a result
    │   ├── RemoteError           the method raised; carries the remote type and traceback
    │   ├── MethodNotFound        there is no such method (also an AttributeError)
    │   ├── InvalidParams         the parameters do not fit the method (also a TypeError)
    │   ├── CallTimeout           its deadline passed (also a TimeoutError)
    │   ├── CallCancelled         it was cancelled before it ended
    │   └── QueueFull             it was refused because too many calls are waiting
    └── BackendError              a backend process did not do its part
        ├── BackendStartError     it never became ready
        ├── BackendDied           it ended with calls in flight
        └── RestartLimitReached   it died too often and is not started again

    Cancelled (BaseException)     raised inside a backend's running method to stop it

Both the host and the backend import this module, so it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BackendDied",
    "BackendError",
    "BackendStartError",
    "BridgeError",
    "CallCancelled",
    "CallError",
    "CallTimeout",
    "Cancelled",
    "DecodeError",
    "EncodeError",
    "FrameTooLarge",
    "InvalidParams",
    "MethodNotFound",
    "ProtocolError",
    "QueueFull",
    "RemoteError",
    "RestartLimitReached",
    "VersionMismatch",
]


class BridgeError(Exception):
    """Base of every error that bridgekit raises for its callers to catch."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The text of the error without its class name."""
        return str(self.args[0]) if self.args else ""


class ProtocolError(BridgeError):
    """The peer's bytes, or a value meant for the peer, break the rules of the wire.

    ``code`` is the reason as the wire says it.
    """

    code = "protocol_error"


class FrameTooLarge(ProtocolError):
    """A frame is larger than the cap.

    ``size`` is the number of bytes seen (at least; an incoming frame is not kept to its end),
    ``limit`` the cap in bytes, ``head`` the first bytes of an incoming frame.
    """

    code = "frame_too_large"

    def __init__(self, message: str, *, size: int = 0, limit: int = 0, head: bytes = b"") -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit
        self.head = head


class DecodeError(ProtocolError):
    """Bytes arrived that are not a message.

    ``data`` holds the first bytes of what arrived, ``code`` the machine-readable reason, ``more``
    how many further frames of the same read were no messages either and are not reported.
    """

    more = 0

    def __init__(self, message: str, *, data: bytes = b"", code: str = "decode_error") -> None:
        super().__init__(message)
        self.data = data
        self.code = code


class EncodeError(ProtocolError):
    """A value cannot be put on the wire; ``place`` names where in it the trouble sits."""

    code = "unserialisable"

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class VersionMismatch(ProtocolError):
    """The peer speaks another version of the protocol.

    ``ours`` and ``theirs`` are protocol numbers; ``theirs`` is None when it did not say.
    """

    code = "version_mismatch"

    def __init__(self, message: str, *, ours: int = 0, theirs: int | None = None) -> None:
        super().__init__(message)
        self.ours = ours
        self.theirs = theirs


class CallError(BridgeError):
    """One call did not end in a result.

    ``method`` is the name that was called, ``call_id`` its id on the wire and ``backend`` the
    backend's name, each None where it is not known.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str | None = None,
        call_id: Any = None,
        backend: str | None = None,
        code: Any = None,
        data: Any = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.call_id = call_id
        self.backend = backend
        self.code = code
        self.data = data


class RemoteError(CallError):
    """The method raised an exception in the backend.

    ``type`` is the remote exception's class name (or None when the backend did not say),
    ``traceback`` its formatted traceback without bridgekit's own frames, ``code`` and ``data``
    what the backend's author attached to the exception.
    """

    def __init__(
        self,
        message: str = "",
        *,
        type: str | None = None,
        traceback: str | None = None,
        method: str | None = None,
        call_id: Any = None,
        backend: str | None = None,
        code: Any = None,
        data: Any = None,
    ) -> None:
        super().__init__(
            message, method=method, call_id=call_id, backend=backend, code=code, data=data
        )
        self.type = type
        self.traceback = traceback

    def __str__(self) -> str:
        head = f"{self.type}: {self.message}" if self.type else self.message
        if not self.traceback:
            return head
        return f"{head}\n\nTraceback in the backend:\n{self.traceback.rstrip()}"


class MethodNotFound(CallError, AttributeError):
    """The backend has no exposed method of that name."""


class InvalidParams(CallError, TypeError):
    """The parameters do not fit the method: one is missing, unknown or of the wrong type."""


class CallTimeout(CallError, TimeoutError):
    """The call's deadline passed; ``timeout`` is the time it was given, in seconds."""

    def __init__(
        self,
        message: str = "",
        *,
        timeout: float | None = None,
        method: str | None = None,
        call_id: Any = None,
        backend: str | None = None,
    ) -> None:
        super().__init__(message, method=method, call_id=call_id, backend=backend)
        self.timeout = timeout


class CallCancelled(CallError):
    """The call was cancelled before it ended."""


class QueueFull(CallError):
    """The call was refused because as many calls as allowed are already waiting."""


class BackendError(BridgeError):
    """A backend process did not do its part.

    ``backend`` is its name, ``pid`` its process id (None: there was none), ``exit_code`` its exit status (negative: the number of the signal
    that ended it, as in :class:`subprocess.Popen`), ``stderr`` the last of what it wrote there.
    """

    def __init__(
        self,
        message: str = "",
        *,
        backend: str | None = None,
        pid: int | None = None,
        exit_code: int | None = None,
        stderr: str = "",
    ) -> None:
        super().__init__(message)
        self.backend = backend
        self.pid = pid
        self.exit_code = exit_code
        self.stderr = stderr


class BackendStartError(BackendError):
    """The backend never became ready.

    ``timed_out`` tells whether nothing but its time was over: it did not answer, or there was no
    room for its process, within ``start_timeout``.
    """

    timed_out = False


class BackendDied(BackendError):
    """The backend process ended while calls were in flight.

    ``signal`` names the signal that ended it (``"SIGKILL"``) or is None, ``running`` holds the
    methods that were in flight, ``next_restart`` the seconds until it is started again (None:
    it is not).
    """

    def __init__(
        self,
        message: str = "",
        *,
        backend: str | None = None,
        pid: int | None = None,
        exit_code: int | None = None,
        signal: str | None = None,
        stderr: str = "",
        running: tuple[str, ...] = (),
        next_restart: float | None = None,
    ) -> None:
        super().__init__(message, backend=backend, pid=pid, exit_code=exit_code, stderr=stderr)
        self.signal = signal
        self.running = running
        self.next_restart = next_restart


class RestartLimitReached(BackendError):
    """The backend died too often in too short a time and is not started again."""


class Cancelled(BaseException):
    """Raised inside a backend's running method when its caller cancels the call.

    It is not an :class:`Exception`, so that ``except Exception`` in a method cannot swallow it
    by accident; clean up in ``finally`` and let it pass.
    """
