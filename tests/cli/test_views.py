"""The views of ``bridgekit up``."""

from __future__ import annotations

import builtins
import io
import json
import re
import sys
import time
from typing import Any

import pytest

from bridgekit.cli.views import JsonLines, Lines, Table, choose
from bridgekit.policy.lifecycle import StateChange


def change(reason: str) -> StateChange:
    return StateChange("one", 2, "ready", "backing-off", reason, time.monotonic())


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = Lines()
    view.show([change("exit\ncode 1"), change("")], [])
    view.close()
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d one/2 ready -> backing-off: exit code 1", first)
    assert second.endswith("one/2 ready -> backing-off")


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = JsonLines()
    view.show([change("exit\ncode 1")], [])
    view.close()
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert abs(found.pop("at") - time.time()) < 10
    assert found == {
        "backend": "one",
        "worker": 2,
        "old": "ready",
        "new": "backing-off",
        "reason": "exit\ncode 1",
    }


def test_the_table() -> None:
    file = io.StringIO()
    view = Table(file)
    row = ("one", "ready", "1", "1s", "0", "0", "0", "-", "-", "[b]x")
    view.show([change("")], [row])
    view.show([], [row])
    view.close()
    assert "[b]x" in file.getvalue()
    assert "LAST EXIT" in file.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_which_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose(as_json=False), Lines)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert isinstance(choose(as_json=True), JsonLines)
    assert isinstance(choose(as_json=False), Table)
    original = builtins.__import__

    def without_rich(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return original(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    assert isinstance(choose(as_json=False), Lines)
