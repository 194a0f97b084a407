"""Where ``bridgekit up`` can be asked, and what a folder must be like for that."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from bridgekit.cli import running
from bridgekit.errors import BridgeError
from tests.support.processes import bare


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "bridgekit"


def test_the_folders(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fallback = runtime.parent / f"bridgekit-{os.getuid()}"
    assert running.folders() == [runtime, fallback]
    for useless in ("", "relative", str(runtime / "missing")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", useless)
        assert running.folders() == [fallback]


async def test_asked_and_gone(runtime: Path) -> None:
    answering = await running.listen()
    assert answering.path == runtime / f"{os.getpid()}.sock"
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert answering.path.stat().st_mode & 0o777 == 0o600
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answering.serve, lambda: {"many": "x" * 200_000})
        found = await to_thread.run_sync(lambda: list(running.ask_all()))
        assert found == [(os.getpid(), {"many": "x" * 200_000})]
        tasks.cancel_scope.cancel()
    assert not answering.path.exists()
    assert running.ask(answering.path) is None


@pytest.mark.parametrize("mode", [0o755, 0o770])
async def test_a_folder_that_others_can_use(runtime: Path, mode: int) -> None:
    runtime.mkdir()
    runtime.chmod(mode)
    with pytest.raises(BridgeError, match="0700"):
        await running.listen()
    with pytest.raises(BridgeError, match="0700"):
        list(running.ask_all())


async def test_a_link_is_no_folder(runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    runtime.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BridgeError, match="0700"):
        await running.listen()


def _left(path: Path) -> None:
    """Leave a socket behind at which nobody listens."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def test_what_the_dead_leave(runtime: Path) -> None:
    dead = subprocess.Popen(bare("pass"))
    dead.wait()
    _left(runtime / f"{dead.pid}.sock")
    _left(runtime / f"{os.getpid()}.sock")
    _left(runtime / "other.sock")
    assert list(running.ask_all()) == []
    # One that lives may be about to listen; what is not ours is left alone.
    assert {path.stem for path in runtime.iterdir()} == {str(os.getpid()), "other"}


@pytest.fixture
def server(runtime: Path) -> Iterator[socket.socket]:
    runtime.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(runtime / f"{os.getpid()}.sock"))
        one.listen()
        yield one


def test_who_does_not_answer(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.05)
    assert list(running.ask_all()) == [(os.getpid(), None)]


@pytest.mark.parametrize("says", [b"[1]\n", b"what\n", b'{"a": 1, ', b""])
def test_who_answers_badly(server: socket.socket, says: bytes) -> None:
    def answer() -> None:
        client, _ = server.accept()
        with client:
            client.sendall(says)

    thread = threading.Thread(target=answer)
    thread.start()
    found = list(running.ask_all())
    thread.join()
    assert found == ([(os.getpid(), None)] if says else [])
