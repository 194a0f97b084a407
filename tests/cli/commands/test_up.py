"""``bridgekit up``: a set of backends in the foreground, as a process of its own."""

from __future__ import annotations

import json
import logging
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.cli.commands.up import output_on_stderr, read_specs
from bridgekit.cli.exits import UsageError
from tests.cli.support import Running, bridgekit, write_set
from tests.support.processes import PATIENCE, gone, readable, watch


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_a_signal_stops_all_in_order(tmp_path: Path, number: int, status: int) -> None:
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        watched = [watch(pid) for pid in up.pids()]
        assert len(watched) == 3
        ended, out, err = up.end(number)
        assert ended == status
        assert all(gone(descriptor, 0) for descriptor in watched)
        last = {}
        for line in out.splitlines():
            change = json.loads(line)
            last[change["backend"], change["worker"]] = change
        assert {change["new"] for change in last.values()} == {"stopped"}
        assert {change["reason"] for change in last.values()} == {"exit code 0"}
        assert err == ""
    assert list((tmp_path / "bridgekit").iterdir()) == []


def test_a_crash_shows_a_restart(tmp_path: Path) -> None:
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        first = up.ps()["one"]["pid"]
        os.kill(first, signal.SIGKILL)
        assert "SIGKILL" in up.until("one", "backing-off")["reason"]
        up.until("one", "ready")
        one = up.ps()["one"]
        assert one["restarts"] == 1
        assert "SIGKILL" in one["last_exit"]
        assert one["pid"] != first
        status, _, err = up.end(signal.SIGINT)
        assert status == 130
        assert f"one: backend 'one' (pid {first}) died: killed by SIGKILL" in err


def test_what_has_failed_stays_and_the_others_go_on(tmp_path: Path) -> None:
    with Running(write_set(tmp_path, restarts=0)) as up:
        up.until_ready()
        os.kill(up.ps()["one"]["pid"], signal.SIGKILL)
        up.until("one", "failed")
        shown = up.ps()
        assert (shown["one"]["state"], shown["two"]["state"]) == ("failed", "ready")
        assert up.end(signal.SIGTERM)[0] == 0


STUBBORN = """
import signal
from bridgekit import PythonBridge
class Stubborn(PythonBridge):
    def on_start(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    def on_stop(self):
        while True:
            signal.pause()
if __name__ == "__main__":
    Stubborn().run()
"""


def test_a_second_signal_kills(tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    path = tmp_path / "set.toml"
    path.write_text('[backends.one]\ntarget = "stubborn.py"\nstop_grace = 3600\n')
    with Running(path) as up:
        up.until("one", "ready")
        up.process.send_signal(signal.SIGINT)
        up.until("one", "stopping")
        up.process.send_signal(signal.SIGHUP)  # a lost terminal is no second wish
        assert up.ps()["one"]["state"] == "stopping"
        status, out, _ = up.end(signal.SIGINT)
        assert status == 130
        assert "SIGKILL" in json.loads(out.splitlines()[-1])["reason"]


def test_under_nohup_a_lost_terminal_stops_nothing(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        up = Running(write_set(tmp_path))
    finally:
        signal.signal(signal.SIGHUP, before)
    with up:
        up.until_ready()
        up.process.send_signal(signal.SIGHUP)
        assert up.ps()["two"]["state"] == "ready"
        assert up.end(signal.SIGTERM)[0] == 0


SLOW = """
import signal
from bridgekit import PythonBridge
class Slow(PythonBridge):
    def on_start(self):
        signal.pause()
if __name__ == "__main__":
    Slow().run()
"""


def test_a_signal_while_a_backend_starts(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    path = write_set(tmp_path)
    with path.open("a") as stream:
        stream.write('[backends.slow]\ntarget = "slow.py"\nstart_timeout = 3600\n')
    with Running(path) as up:
        up.until_ready()
        pid = up.ps()["slow"]["pid"]
        watched = watch(pid)
        assert up.end(signal.SIGINT)[0] == 130
        assert gone(watched, 0)


def test_lines_where_there_is_no_terminal_up_to_the_end_of_all(tmp_path: Path) -> None:
    (tmp_path / "once.py").write_text("print('that was all')\nraise SystemExit(3)\n")
    path = tmp_path / "set.toml"
    fields = 'target = "once.py"\nhello = false\nrestart = "never"\n'
    path.write_text(f"[backends.one]\n{fields}[backends.two]\n{fields}")
    done = bridgekit("up", path)
    assert done.returncode == 4, done.stderr
    assert " one/0 stopped -> starting: started\n" in done.stdout
    assert " two/0 ready -> failed: " in done.stdout
    assert "one: that was all\n" in done.stderr
    assert done.stderr.endswith("\nbridgekit: all backends have ended; failed: one, two\n")


def test_one_that_does_not_start_ends_the_rest(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    with path.open("a") as stream:
        stream.write('[backends.three]\ntarget = "nowhere.py"\n')
    done = bridgekit("up", path)
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last.startswith("bridgekit: backend 'three' did not start: ")
    assert "nowhere.py" in last
    done = bridgekit("up", path, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout.splitlines()[-1])["error"]["kind"] == "BackendStartError"


def test_a_bad_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text('[backends.one]\ntarget = "menu.py"\nworkers = 0\n')
    done = bridgekit("up", path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bridgekit: {path}: [backends.one]: workers=0 is not allowed: ")


def test_a_file_without_backends(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    with pytest.raises(UsageError, match=r"set\.toml is not there"):
        read_specs(str(path))
    path.write_text("")
    with pytest.raises(UsageError, match=r"needs a table \[backends\.NAME\]"):
        read_specs(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_specs(str(path))
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_specs(str(tmp_path))


def test_it_runs_where_nobody_can_ask(tmp_path: Path) -> None:
    (tmp_path / "bridgekit").mkdir(mode=0o755)
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        status, _, err = up.end(signal.SIGTERM)
        assert status == 0
        assert err.startswith("bridgekit: ps will not show this: ")
    assert bridgekit("ps").returncode == 1


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    with Running(write_set(tmp_path)) as up:
        up.until_ready()
        pids = up.pids()
        watched = [watch(pid) for pid in pids]
        assert up.process.stdout is not None
        up.process.stdout.close()
        os.kill(pids[0], signal.SIGKILL)  # something to tell
        assert all(gone(descriptor) for descriptor in watched)
        assert up.process.wait(PATIENCE) == 1


def test_a_live_table_on_a_terminal(tmp_path: Path) -> None:
    host, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridgekit", "up", str(write_set(tmp_path))],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "140"},
    )
    try:
        os.close(terminal)
        shown = b""
        while shown.count(b"ready") < 3 or b"LAST EXIT" not in shown:
            assert readable(host), shown
            shown += os.read(host, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while piece := os.read(host, 65536):
                shown += piece
        except OSError:  # how Linux tells the end of a terminal
            pass
        assert process.wait(PATIENCE) == 130
        assert b"stopped" in shown
        assert b"-> ready" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(host)


def test_logging_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("bridgekit")
    before = logger.level, list(logger.handlers)
    with output_on_stderr():
        logger.info("a word", extra={"backend": "one"})
        logger.info("another")
    assert (logger.level, logger.handlers) == before
    assert capsys.readouterr().err == "one: a word\nbridgekit: another\n"
