"""The tree of errors is the one its docstring draws, and each says what happened."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys

import pytest

from bridgekit import errors


def test_the_tree_is_the_one_drawn() -> None:
    drawn = re.findall(r"^    ([│├└ ─]*)(\w+)(?: |$)", errors.__doc__ or "", re.MULTILINE)
    parents: list[str] = []
    for bars, name in drawn:
        level = len(bars) // 4
        kind = getattr(errors, name)
        if name == "Cancelled":
            assert kind.__mro__[1] is BaseException
            continue
        del parents[level:]
        if parents:
            assert issubclass(kind, getattr(errors, parents[-1])), name
        parents.append(name)
    assert {name for _, name in drawn} == set(errors.__all__)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.MethodNotFound, AttributeError),
        (errors.InvalidParams, TypeError),
        (errors.CallTimeout, TimeoutError),
    ],
)
def test_some_are_what_python_would_raise(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_a_cancelled_method_cannot_swallow_it_by_accident() -> None:
    assert not issubclass(errors.Cancelled, Exception)


@pytest.mark.parametrize(
    "error",
    [
        errors.BridgeError("why"),
        errors.FrameTooLarge("why", size=5, limit=4, head=b"x"),
        errors.DecodeError("why", data=b"x", code="truncated"),
        errors.EncodeError("why", place="result.x"),
        errors.VersionMismatch("why", ours=1, theirs=2),
        errors.CallError("why", method="add", call_id=5, backend="calc", code=3, data=[1]),
        errors.RemoteError("why", type="ValueError", traceback="Traceback ..."),
        errors.CallTimeout("why", timeout=1.5, method="add"),
        errors.BackendError("why", backend="calc", pid=3, exit_code=-9, stderr="oops"),
        errors.BackendDied("why", signal="SIGKILL", running=("add",), next_restart=0.1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_they_carry(error: errors.BridgeError) -> None:
    assert error.message == "why" and "why" in str(error)
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error) and vars(copied) == vars(error) and copied.args == error.args


def test_every_protocol_error_has_a_code() -> None:
    assert errors.ProtocolError().code == "protocol_error"
    assert errors.FrameTooLarge("x").code == "frame_too_large"
    assert errors.DecodeError("x").code == "decode_error"
    assert errors.EncodeError("x").code == "unserialisable"
    assert errors.VersionMismatch("x").code == "version_mismatch"
    assert errors.DecodeError("x").more == 0


def test_a_remote_error_shows_the_remote_traceback() -> None:
    error = errors.RemoteError("bad", type="ValueError", traceback="Traceback:\n  line\n")
    assert str(error) == "ValueError: bad\n\nTraceback in the backend:\nTraceback:\n  line"
    assert str(errors.RemoteError("bad", type="ValueError")) == "ValueError: bad"
    assert str(errors.RemoteError("bad")) == "bad"
    assert errors.BridgeError().message == ""


def test_it_imports_nothing() -> None:
    probe = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "import bridgekit.errors\n"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    root = errors.__file__.rpartition("bridgekit")[0]
    command = [sys.executable, "-I", "-S", "-c", probe, root]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['bridgekit', 'bridgekit._version', 'bridgekit.errors']"
