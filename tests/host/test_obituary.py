"""The story of a death."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit import BackendDied
from bridgekit.host.obituary import last_line, obituary


class Child:
    pid = 7
    returncode = -9
    signal_name = "SIGKILL"


def story(**options: Any) -> BackendDied:
    given: dict[str, Any] = {
        "running": ("add", "add", "$/ping", "work"),
        "stderr": "one\nlast words\n",
        "stopped": False,
        "next_restart": None,
        **options,
    }
    error = obituary("menu", Child(), "killed by SIGKILL", **given)()  # type: ignore[arg-type]
    assert isinstance(error, BackendDied)
    return error


def test_it_tells_what_ran_what_was_said_and_what_is_next() -> None:
    error = story(next_restart=0.25)
    assert str(error) == (
        "backend 'menu' (pid 7) died: killed by SIGKILL; in flight: add, work; it is started "
        "again in 0.25 s; its stderr ends with:\none\nlast words"
    )
    assert error.running == ("add", "add", "work")
    assert (error.pid, error.exit_code, error.signal) == (7, -9, "SIGKILL")
    assert error.next_restart == 0.25
    assert "at once" in str(story(next_restart=0.0))


def test_a_stop_is_no_death(caplog: pytest.LogCaptureFixture) -> None:
    error = story(stopped=True)
    assert "was stopped by its host" in str(error)
    assert "last words" not in str(error)
    assert not caplog.records


def test_each_call_gets_an_error_of_its_own() -> None:
    make = obituary(
        "menu",
        Child(),
        "gone",
        running=(),
        stderr="",
        stopped=True,
        next_restart=None,  # type: ignore[arg-type]
    )
    assert make() is not make()


def test_the_last_line() -> None:
    assert last_line("") == last_line(" \n\n") == ""
    assert last_line("one\ntwo\n\n") == "; it last wrote: two"
    assert len(last_line("x" * 5000)) < 300
