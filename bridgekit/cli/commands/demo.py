"""Show the main job for real: a host, a backend in a child process, and all that can happen.

The status is 0 only if every step did what it says.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio

from bridgekit import BackendDied, BridgeError, ProcessManager, RemoteError
from bridgekit.cli import demo_backend

__all__ = ["HELP", "add_arguments", "run"]

HELP = "watch a host and a backend do everything once"

_BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``bridgekit demo`` takes none."""


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit demo``."""
    started = time.monotonic()
    show = Show(sys.stdout.isatty())
    try:
        anyio.run(_demo, show)
    except (BridgeError, DemoFailed, TimeoutError) as error:
        show.line(f"\nThe demo failed: {error}")
        return 1
    show.line(f"\nAll of it happened, in {time.monotonic() - started:.1f} s.")
    return 0


class DemoFailed(Exception):
    """A step did not do what it says."""


def expect(truth: object, what: str) -> None:
    """Raise DemoFailed unless ``truth``."""
    if not truth:
        raise DemoFailed(what)


class Show:
    """What the person sees; the bar is drawn in place on a terminal, once at its end elsewhere."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def line(self, text: str) -> None:
        print(text, flush=True)

    def step(self, text: str) -> None:
        self.line(f"\n{text}")

    def bar(self, done: float, message: str) -> None:
        if not self._terminal and done < 1:
            return
        full = round(done * _BAR)
        bar = f"  [{'#' * full}{'.' * (_BAR - full)}] {done:4.0%}  {message}"
        print(f"\r{bar}" if self._terminal else bar, end="" if done < 1 else "\n", flush=True)


async def _demo(show: Show) -> None:
    path = Path(demo_backend.__file__)
    show.line("A host spawns a Python backend in a process of its own:")
    show.line(f"  backend = await manager.spawn({path.name!r})")
    async with ProcessManager() as manager:
        backend = await manager.spawn(path)
        pid = backend.status.pid
        expect(pid and pid != os.getpid(), "the backend must be a process of its own")
        show.line(f"  process {pid} is ready")
        await _calls(backend, show)
        await _stream(backend, show)
        await _error(backend, show)
        await _crash(manager, path, show)
        show.step("Stopping it is one call, and leaves nothing behind:")
        await backend.terminate()
        expect(not _alive(pid), f"process {pid} must be gone")
        show.line(f"  process {pid} has ended and is reaped")


async def _calls(backend: Any, show: Show) -> None:
    show.step("Calls, with a stray print that cannot break the wire:")
    async with backend.events("$/output") as output:
        answer = await backend.proxy.greet(name="Ada")
        expect(answer == "Hello, Ada!", f"greet answered {answer!r}")
        show.line(f"  await backend.proxy.greet(name='Ada')  ->  {answer!r}")
        printed = ""
        with anyio.fail_after(5):
            while "stray print" not in printed:
                printed += (await anext(output)).data["text"]
        show.line(f"  captured from its stdout: {printed.strip()!r}")


async def _stream(backend: Any, show: Show) -> None:
    show.step("A streamed result, with progress and events on the way:")
    stop_bar = backend.on(
        "$/progress", lambda event: show.bar(event.data["progress"], event.data["message"])
    )
    total = 0
    async with backend.events("milestone.*") as events:
        async for square in backend.stream("squares", {"count": 50}):
            total += square
        with anyio.fail_after(5):
            milestones = [(await anext(events)).data["number"] for _ in range(5)]
    stop_bar()
    expect(total == 42925, f"the squares add up to {total}")
    show.line(f"  the squares up to 50 add up to {total}; events said {milestones}")


async def _error(backend: Any, show: Show) -> None:
    show.step("An exception in the backend arrives whole:")
    try:
        await backend.call("divide", {"a": 1, "b": 0})
    except RemoteError as error:
        expect(error.type == "ZeroDivisionError", f"the type was {error.type}")
        expect("return a / b" in (error.traceback or ""), "the traceback must show the line")
        for text in (error.traceback or "").rstrip().splitlines():
            show.line(f"  | {text}")
    else:
        raise DemoFailed("dividing by zero must fail")


async def _crash(manager: Any, path: Path, show: Show) -> None:
    show.step("A second backend is killed in the middle of a call; the host gets a clear report:")
    victim = await manager.spawn(path, name="victim")
    began = time.perf_counter()
    try:
        await victim.call("crash")
    except BackendDied as error:
        took = time.perf_counter() - began
        expect(error.signal == "SIGKILL", f"the signal was {error.signal}")
        expect("simulated failure" in error.stderr, "its last words must be reported")
        for text in str(error).rstrip().splitlines():
            show.line(f"  | {text}")
        show.line(f"  told {took * 1000:.0f} ms after the call was made; the host is well")
    else:
        raise DemoFailed("a call to a killed backend must fail")


def _alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True
