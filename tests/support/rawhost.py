"""A host of nothing but bytes: spawns a backend and speaks to it over pipes.

It knows the frames of docs/protocol.md by heart instead of sharing code with the package, so
that a mistake made on both sides does not cancel itself out. Every wait has a deadline.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.processes import PATIENCE

__all__ = ["FEATURES", "ROOT", "RawHost", "host_of", "raw_host"]

ROOT = Path(__file__).resolve().parent.parent.parent
MAIN = ROOT / "bridgekit" / "backend" / "__main__.py"
FEATURES = ("stream", "progress", "log", "output", "call", "batch", "headers")

Frame = dict[str, Any]


class RawHost:
    """One spawned backend. ``frames`` are those that came and were not asked for yet."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin.fileno()
        self.stdout = process.stdout.fileno()
        self.raw = bytearray()
        self.frames: list[Frame] = []
        self.eof = False
        self._tail: list[bytes] = []
        self._serial = 0

    # -- bytes -----------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write all of it; the backend must go on reading."""
        poller = select.poll()
        poller.register(self.stdin, select.POLLOUT)
        view = memoryview(data)
        while view:
            assert poller.poll(PATIENCE * 1000), "the backend does not read"
            done = os.write(self.stdin, view[:4096])
            view = view[done:]

    def pump(self, timeout: float = PATIENCE) -> bool:
        """Take in what comes within ``timeout`` seconds; return whether anything did."""
        poller = select.poll()
        poller.register(self.stdout, select.POLLIN)
        if self.eof or not poller.poll(timeout * 1000):
            return False
        data = os.read(self.stdout, 65536)
        if not data:
            self.eof = True
            return False
        self.raw += data
        head, *rest = data.split(b"\0")
        self._tail.append(head)
        if rest:
            whole = [b"".join(self._tail), *rest[:-1]]
            self._tail = rest[-1:]
            self.frames += [json.loads(each) for each in whole if each]
        return True

    # -- frames ----------------------------------------------------------------------------

    def wait_for(self, wanted: Callable[[Frame], bool], what: str = "frame") -> Frame:
        """Return, and take out, the first frame that is wanted."""
        until = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for index in range(seen, len(self.frames)):
                if wanted(self.frames[index]):
                    return self.frames.pop(index)
            seen = len(self.frames)
            left = until - time.monotonic()
            if left <= 0 or not self.pump(left):
                raise AssertionError(
                    f"no {what} came{' before the end' if self.eof else ''}; there is "
                    f"{self.frames!r:.2000}, exit status {self.process.poll()}, {self.errors()}"
                )

    def reply(self, call_id: Any) -> Frame:
        """Wait for the answer to a call."""
        return self.wait_for(
            lambda frame: (
                "status" in frame
                and frame["status"] != "event"
                and frame.get("id") == call_id
                and type(frame.get("id")) is type(call_id)
            ),
            f"reply to {call_id!r}",
        )

    def event(self, topic: str) -> Frame:
        """Wait for an event."""
        return self.wait_for(lambda frame: frame.get("cmd") == topic, f"event {topic!r}")

    def events(self, topic: str) -> list[Frame]:
        """Take out the events that have come already."""
        found = [frame for frame in self.frames if frame.get("cmd") == topic]
        self.frames = [frame for frame in self.frames if frame.get("cmd") != topic]
        return found

    def start(self, name: str, params: Any = None, **extra: Any) -> int:
        """Send a call; return its id."""
        self._serial += 1
        frame = {"id": self._serial, "cmd": name, "params": params, **extra}
        self.write(json.dumps(frame).encode() + b"\n")
        return self._serial

    def send(self, frame: Frame) -> None:
        """Send any frame."""
        self.write(json.dumps(frame).encode() + b"\n")

    def call(self, name: str, params: Any = None, **extra: Any) -> Any:
        """Call and wait for the result."""
        frame = self.reply(self.start(name, params, **extra))
        assert frame["status"] == "success", frame
        return frame["result"]

    def failure(self, name: str, params: Any = None, **extra: Any) -> Frame:
        """Call and wait for the error."""
        frame = self.reply(self.start(name, params, **extra))
        assert frame["status"] == "error", frame
        return frame

    def ready(self) -> Any:
        """Wait for the ready frame; return its result."""
        return self.reply(0)["result"]

    def hello(self, features: Sequence[str] = FEATURES) -> Any:
        """Make the handshake; return what the backend says of itself."""
        return self.call("$/hello", {"protocol": 1, "features": list(features)})

    def cancel(self, call_id: Any) -> None:
        """Cancel a call, expecting no answer to that."""
        self.send({"cmd": "$/cancel", "params": {"id": call_id}})

    def settle(self) -> None:
        """Wait until the helper thread has taken over reading: a ping is answered by then."""
        self.call("$/ping")

    # -- the end ---------------------------------------------------------------------------

    def close_stdin(self) -> None:
        """Say no more."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for the end, reading on; return the exit status."""
        until = time.monotonic() + timeout
        while not self.eof and self.pump(max(0.0, until - time.monotonic())):
            pass
        return self.process.wait(max(0.1, until - time.monotonic()))

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def errors(self) -> str:
        """What it has written to stderr; ends the process if that still runs."""
        if self.process.stderr is None:
            return ""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        return self.process.stderr.read().decode()


SCRIPT = """\
from __future__ import annotations
import os, subprocess, sys, time
from bridgekit import PythonBridge, current_call, expose, hidden

class B(PythonBridge):
{body}

if __name__ == "__main__":
    B().run()
"""


@contextmanager
def raw_host(
    script: Path | str,
    *args: str,
    python: str = sys.executable,
    env: dict[str, str] | None = None,
    plain: bool = False,
    flags: Sequence[str] = (),
    **options: Any,
) -> Iterator[RawHost]:
    """Spawn ``script`` as a host does; ``plain``: as ``python script`` by a host of old.

    Nothing survives the block.
    """
    full = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    full.pop("BRIDGEKIT_WIRE", None)
    words = [python, *flags, *([] if plain else [str(MAIN)]), str(script), *args]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=full,
        start_new_session=True,
        **options,
    )
    try:
        yield RawHost(process)
    finally:
        if process.poll() is None and "COVERAGE_PROCESS_CONFIG" in full and process.stdin:
            process.stdin.close()  # what a killed child has seen is lost to coverage
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def host_of(tmp_path: Path, body: str, **options: Any) -> Iterator[RawHost]:
    """Spawn a backend whose class has ``body``."""
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    script = tmp_path / "backend.py"
    script.write_text(SCRIPT.format(body=lines))
    with raw_host(script, **options) as host:
        yield host
