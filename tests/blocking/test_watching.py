"""Changed sources are noticed in a thread."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridgekit import BackendStartError
from bridgekit.blocking.watching import SourceWatch
from tests.host.support import DEADLINE

pytest.importorskip("watchfiles")


def touch_until(path: Path, event: threading.Event) -> None:
    for number in range(int(DEADLINE / 0.2)):
        path.write_text(f"number = {number}\n")
        if event.wait(0.2):
            return
    pytest.fail("the change was not noticed")


def test_changes_are_told_until_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = [threading.Event(), threading.Event()]
    waiting = iter(told)

    def restart() -> None:
        next(waiting, told[-1]).set()
        raise BackendStartError("it does not start any more")

    with SourceWatch([tmp_path], restart, quiet=0.01) as watch:
        for event in told:
            touch_until(tmp_path / "a.py", event)
    watch.close()
    assert "it does not start any more" in caplog.text


def test_it_may_be_closed_by_what_it_calls(tmp_path: Path) -> None:
    closed = threading.Event()

    def close() -> None:
        watch.close()
        closed.set()

    with SourceWatch([tmp_path], close, quiet=0.01) as watch:
        touch_until(tmp_path / "a.py", closed)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SourceWatch([tmp_path / "absent"], print)


def test_never_entered_there_is_nothing_to_close(tmp_path: Path) -> None:
    SourceWatch([tmp_path], print).close()
