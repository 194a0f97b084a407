"""Where each ``bridgekit up`` can be asked what it runs: a socket in a folder that is the user's own.

A socket tells the living from the dead by itself: nobody accepts at that of a process that is
gone. It is named for the process, so that several can run at once, of one file or of many.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import attrs
from anyio.abc import SocketListener, SocketStream

from bridgekit.errors import BridgeError

__all__ = ["Answering", "ask", "ask_all", "folders", "listen"]

PATIENCE = 2.0
"""Seconds that either side waits for the other."""

LONGEST = 16 * 1024 * 1024
"""Bytes of an answer that are read before it is taken for none."""


def folders() -> list[Path]:
    """Return the folders where sockets may lie, the best first; none where there are no sockets."""
    if sys.platform == "win32":
        return []
    own = os.getuid()
    found = [Path(tempfile.gettempdir()) / f"bridgekit-{own}"]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        with suppress(OSError):
            if os.stat(runtime).st_uid == own:
                found.insert(0, Path(runtime) / "bridgekit")
    return found


def _require_private(folder: Path) -> None:
    """Raise BridgeError unless ``folder`` is a real folder that nobody else can use."""
    if sys.platform == "win32":
        return
    facts = os.lstat(folder)
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise BridgeError(f"{folder} is not a folder that only you can use (mode 0700); remove it")


@attrs.define
class Answering:
    """A socket that is open; whoever connects gets one line of JSON."""

    path: Path
    _listener: SocketListener

    async def serve(self, describe: Callable[[], Any]) -> None:
        """Send everybody what ``describe`` returns, until cancelled; then nothing is left."""

        async def answer(client: SocketStream) -> None:
            with anyio.move_on_after(PATIENCE), suppress(anyio.BrokenResourceError):
                async with client:
                    await client.send(json.dumps(describe()).encode() + b"\n")

        try:
            async with self._listener:
                await self._listener.serve(answer)
        finally:
            self.path.unlink(missing_ok=True)


async def listen() -> Answering:
    """Open this process's socket; raises BridgeError or OSError where that cannot be."""
    for folder in folders():
        folder.mkdir(mode=0o700, exist_ok=True)
        _require_private(folder)
        path = folder / f"{os.getpid()}.sock"
        return Answering(path, await anyio.create_unix_listener(path, mode=0o600))
    raise BridgeError("this system has no Unix domain sockets")


def ask(path: Path) -> dict[str, Any] | None:
    """Return what the process behind ``path`` says; None if there is none (any more).

    Raises TimeoutError when it does not answer, and ValueError when that is no answer of ours.
    """
    if sys.platform == "win32":
        return None
    until = time.monotonic() + PATIENCE
    data = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        while not data.endswith(b"\n") and len(data) < LONGEST:
            client.settimeout(max(0.001, until - time.monotonic()))
            try:
                piece = client.recv(65536)
            except ConnectionError:
                break
            if not piece:
                break
            data += piece
    if not data:  # it ended as we came
        return None
    answer = json.loads(data)
    if not isinstance(answer, dict):
        raise ValueError(f"{path} answers {answer!r:.80}")
    return answer


def ask_all() -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Ask everybody; yield their process ids and what they say (None: no answer in time).

    Removes what dead processes left. Raises BridgeError for a folder that others can use.
    """
    for folder in folders():
        if not os.path.lexists(folder):
            continue
        _require_private(folder)
        for path in sorted(folder.glob("*.sock")):
            if not path.stem.isdecimal():
                continue
            pid = int(path.stem)
            try:
                answer = ask(path)
            except (TimeoutError, ValueError):
                yield pid, None
                continue
            if answer is not None:
                yield pid, answer
            elif not _lives(pid):  # one that lives may be about to listen
                path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
