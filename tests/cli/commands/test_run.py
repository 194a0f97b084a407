"""``bridgekit run``: the command turns into the backend."""

from __future__ import annotations

import json

from tests.cli.support import MENU, bridgekit


def test_the_wire_is_on_stdin_and_stdout():
    line = json.dumps({"id": 7, "cmd": "add", "params": {"a": 1, "b": 2}})
    done = bridgekit("run", MENU, stdin=line + "\n")
    frames = [json.loads(frame) for frame in done.stdout.split("\0") if frame]
    assert frames[0]["id"] == 0
    assert frames[1] == {"id": 7, "status": "success", "result": 3}
    assert done.returncode == 0


def test_another_wire():
    line = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "add", "params": [1, 2]})
    done = bridgekit("run", "--wire", "jsonrpc", MENU, stdin=line + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"jsonrpc": "2.0", "id": 7, "result": 3} in answers


def test_an_unknown_wire():
    done = bridgekit("run", "--wire", "smoke", MENU, stdin="")
    assert done.returncode == 1
    assert "native" in done.stderr


def test_a_target_that_is_not_there(tmp_path):
    done = bridgekit("run", tmp_path / "nowhere.py", stdin="")
    assert done.returncode == 3
    assert "nowhere.py" in done.stderr
