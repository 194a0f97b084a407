"""``bridgekit call``."""

from __future__ import annotations

import json

import pytest

from tests.cli.support import MENU, bridgekit


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["add", "a=1", "b=2"], "3\n"),
        (["add", '{"a": 1}'], "11\n"),
        (["add", "[1, 2]"], "3\n"),
        (["count", "to=2"], "[\n  0,\n  1\n]\n"),
        (["count", "to=2", "--json"], "[0,1]\n"),
        (["count", "--json", "to=2"], "[0,1]\n"),
        (["add", "--wire", "msgpack", "a=1", "--timeout", "50", "b=2"], "3\n"),
        (["count", "to=3", "--stream"], "0\n1\n2\n"),
        (["count", "to=0", "--stream"], ""),
        (["add", "a=1", "b=2", "--stream"], "3\n"),
        (["shout", "text=ä"], "Ä\n"),
        (["shout", "text=ä", "--json"], '"\\u00c4"\n'),
    ],
)
def test_results(words, out):
    done = bridgekit("call", MENU, *words)
    assert (done.returncode, done.stdout) == (0, out), done.stderr


def test_what_the_backend_prints_and_its_progress_go_to_stderr():
    assert "a stray word" in bridgekit("call", MENU, "shout", "text=a").stderr
    assert "100% counting" in bridgekit("call", MENU, "count", "to=2", "--stream").stderr


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["fail"], 1, "LookupError: nothing there"),
        (["no_such"], 2, "no_such"),
        (["add", "c=1"], 2, "c"),
        (["add", "a=x"], 2, "a"),
        (["add", "a=1e999"], 2, "params.a cannot be sent as JSON"),
        (["die"], 4, "exit code 7"),
        (["wait", "--timeout", "0.2"], 5, "0.2"),
    ],
)
def test_failures_are_one_line_and_a_status(words, status, says):
    done = bridgekit("call", MENU, *words)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("bridgekit: ")
    assert says in last


def test_a_backend_that_died_is_not_said_to_come_back():
    assert "started again" not in bridgekit("call", MENU, "die").stderr


def test_a_remote_traceback_shows_the_authors_code():
    error = bridgekit("call", MENU, "fail").stderr
    assert 'raise LookupError("nothing there")' in error
    assert "bridgekit/backend" not in error


def test_failures_for_programs():
    done = bridgekit("call", MENU, "fail", "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["type"]) == ("RemoteError", "LookupError")


def test_a_target_that_is_not_there(tmp_path):
    done = bridgekit("call", tmp_path / "nowhere.py", "add")
    assert done.returncode == 3
    assert "nowhere.py" in done.stderr
