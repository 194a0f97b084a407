"""Exit statuses of the ``bridgekit`` command, and the one line that goes with each."""

from __future__ import annotations

import json
import sys

from bridgekit.errors import (
    BackendDied,
    BackendStartError,
    BridgeError,
    CallTimeout,
    EncodeError,
    InvalidParams,
    MethodNotFound,
    RemoteError,
)

__all__ = ["EPILOG", "UsageError", "exit_status", "report"]

OK = 0
FAILED = 1
USAGE = 2
NOT_STARTED = 3
DIED = 4
TIMED_OUT = 5
INTERRUPTED = 130

EPILOG = """\
exit status:
  0    it worked
  1    the method raised an exception, or a check failed
  2    the command line, the method's name or its parameters are wrong
  3    the backend did not start
  4    the backend died during the call
  5    the call took longer than its timeout
  130  interrupted with Ctrl-C
"""


class UsageError(BridgeError):
    """The command line cannot be carried out as it is written."""


def exit_status(error: BaseException) -> int:
    """Return the exit status that stands for ``error``."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, UsageError | MethodNotFound | InvalidParams | EncodeError | ValueError):
        return USAGE  # EncodeError: here it is about parameters; that of a result is remote
    if isinstance(error, BackendStartError):
        return NOT_STARTED
    if isinstance(error, BackendDied):
        return DIED
    if isinstance(error, CallTimeout):
        return TIMED_OUT
    return FAILED


def report(error: BaseException, *, as_json: bool = False) -> int:
    """Say what went wrong, in one line on stderr or as JSON on stdout; return the exit status.

    The remote traceback, and what a dead backend wrote last, follow the line: they are the
    user's own program speaking.
    """
    status = exit_status(error)
    if as_json:
        print(json.dumps({"error": describe(error)}))
        return status
    if isinstance(error, KeyboardInterrupt):
        print("bridgekit: interrupted", file=sys.stderr)
        return status
    message = error.message if isinstance(error, BridgeError) else str(error)
    if isinstance(error, RemoteError):
        if error.traceback:
            print(error.traceback.rstrip(), file=sys.stderr)
        message = f"{error.type}: {message}" if error.type else message
    print(f"bridgekit: {' '.join(message.split())}", file=sys.stderr)
    return status


def describe(error: BaseException) -> dict[str, object]:
    """Return ``error`` as an object for programs."""
    message = error.message if isinstance(error, BridgeError) else str(error)
    fields: dict[str, object] = {"kind": type(error).__name__, "message": message}
    for name in ("type", "code", "data", "traceback", "exit_code", "signal", "stderr", "timeout"):
        value = getattr(error, name, None)
        if value not in (None, ""):
            fields[name] = value
    return fields
