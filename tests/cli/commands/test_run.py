"""``bridgekit run``: the command turns into the backend."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.support import MENU, bridgekit


def test_the_wire_is_on_stdin_and_stdout():
    line = json.dumps({"id": 7, "cmd": "add", "params": {"a": 1, "b": 2}})
    done = bridgekit("run", MENU, stdin=line + "\n")
    frames = [json.loads(frame) for frame in done.stdout.split("\0") if frame]
    assert frames[0]["id"] == 0
    assert frames[1] == {"id": 7, "status": "success", "result": 3}
    assert done.returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--wire", "jsonrpc", MENU),
        (MENU, "--wire", "jsonrpc"),
        (MENU, "--wire=jsonrpc", "more", "--", "--wire", "native"),
    ],
)
def test_another_wire(words):
    line = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "add", "params": [1, 2]})
    done = bridgekit("run", *words, stdin=line + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"jsonrpc": "2.0", "id": 7, "result": 3} in answers


@pytest.mark.parametrize("words", [("--wire", "smoke", MENU), (MENU, "--wire", "smoke")])
def test_an_unknown_wire(words):
    done = bridgekit("run", *words, stdin="")
    assert done.returncode == 2
    assert "native" in done.stderr


def test_a_target_that_is_not_there(tmp_path):
    done = bridgekit("run", tmp_path / "nowhere.py", stdin="")
    assert done.returncode == 3
    assert "nowhere.py" in done.stderr


def test_what_is_for_the_backend_reaches_it(tmp_path):
    script = tmp_path / "shows.py"
    script.write_text("import sys\nprint(sys.argv[1:], file=sys.stderr)\n")
    words = ["--colour", "x", "--python", sys.executable, "--", "--wire", "mine", "--"]
    done = bridgekit("run", script, *words, stdin="")
    assert "['--colour', 'x', '--wire', 'mine', '--']" in done.stderr


def test_whoever_starts_it_says_how_large_a_frame_may_be(monkeypatch):
    line = json.dumps({"id": 7, "cmd": "$/hello", "params": {"protocol": 1}})
    for expected in (16 * 1024 * 1024, 5000):
        done = bridgekit("run", MENU, stdin=line + "\n")
        frames = [json.loads(frame) for frame in done.stdout.split("\0") if frame]
        told = next(frame for frame in frames if frame["id"] == 7)
        assert told["result"]["limits"]["max_frame"] == expected
        monkeypatch.setenv("BRIDGEKIT_MAX_FRAME", "5000")
