"""Every kind of error has its exit status and one line."""

from __future__ import annotations

import json

import pytest

from bridgekit import errors
from bridgekit.cli.exits import EPILOG, UsageError, describe, exit_status, report


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 2),
        (errors.MethodNotFound("x"), 2),
        (errors.InvalidParams("x"), 2),
        (errors.EncodeError("x"), 2),
        (ValueError("x"), 2),
        (errors.RemoteError("x"), 1),
        (OSError("x"), 1),
        (errors.BackendStartError("x"), 3),
        (errors.BackendDied("x"), 4),
        (errors.CallTimeout("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_status(error, status):
    assert exit_status(error) == status
    assert f"\n  {status} " in EPILOG


def test_an_error_is_one_line(capsys):
    assert report(errors.BackendStartError("it is\n  not there")) == 3
    assert capsys.readouterr() == ("", "bridgekit: it is not there\n")


def test_a_remote_error_brings_its_traceback(capsys):
    error = errors.RemoteError("zero", type="ZeroDivisionError", traceback="Traceback:\n  x\n")
    assert report(error) == 1
    text = "Traceback:\n  x\nbridgekit: ZeroDivisionError: zero\n"
    assert capsys.readouterr() == ("", text)


def test_a_remote_error_without_type(capsys):
    assert report(errors.RemoteError("zero")) == 1
    assert capsys.readouterr().err == "bridgekit: zero\n"


def test_an_interrupt(capsys):
    assert report(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "bridgekit: interrupted\n"


def test_errors_for_programs(capsys):
    error = errors.BackendDied("gone", exit_code=7, stderr="last words")
    assert report(error, as_json=True) == 4
    said = json.loads(capsys.readouterr().out)
    assert said["error"]["kind"] == "BackendDied"
    assert (said["error"]["exit_code"], said["error"]["stderr"]) == (7, "last words")
    assert describe(OSError("x")) == {"kind": "OSError", "message": "x"}
