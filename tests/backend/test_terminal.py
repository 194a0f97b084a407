"""A person who starts a backend at a terminal is told what it is, and can make one call."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bridgekit import BridgeError, PythonBridge, expose
from bridgekit.backend.dispatch import build_table
from bridgekit.backend.terminal import explain
from tests.support.processes import PATIENCE, readable
from tests.support.rawhost import ROOT

Run = Callable[..., tuple[int, str, str]]


class Counter(PythonBridge):
    """Counts.

    And adds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.waiting: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        self.told.append("started")

    def on_stop(self) -> None:
        self.told.append("stopped")

    def add(self, a: int, b: int = 1) -> int:
        """Add two numbers.

        Both are whole.
        """
        return a + b

    def echo(self, value: Any, **more: Any) -> Any:
        return [value, more] if more else value

    def items(self, count: int) -> Iterator[int]:
        yield from range(count)

    async def soon(self, a: int) -> int:
        await asyncio.sleep(0)
        return a

    async def items_soon(self, count: int) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(0)
            yield number

    async def leaves_a_task(self) -> str:
        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                self.told.append("cleaned up")

        self.waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return "done"

    def asks_the_host(self) -> Any:
        return self.host.name()

    def breaks(self) -> None:
        raise TypeError("of the author's own")

    def unprintable(self) -> object:
        return object()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*words)`` gives the exit status and what was said on stdout and stderr."""

    def start(*words: str, bridge: PythonBridge | None = None) -> tuple[int, str, str]:
        bridge = Counter() if bridge is None else bridge
        status = explain(bridge, build_table(bridge, PythonBridge), ["counter.py", *words])
        return (status, *capsys.readouterr())

    return start


# --- explaining -------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",), ("help",)])
def test_a_backend_explains_itself(run: Run, words: tuple[str, ...]) -> None:
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert out.startswith("Counter is a bridgekit backend: ")
    assert "\nCounts.\n\nAnd adds.\n\nMethods:\n" in out
    assert (
        "  add(a: int, b: int = 1) -> int\n      Add two numbers.\n  asks_the_host() -> Any\n"
        in out
    )
    assert "Both are whole" not in out
    assert (
        "  bridgekit call counter.py add a=... b=...\n  python counter.py add a=... b=...\n" in out
    )
    assert out.endswith("      backend = await manager.spawn('counter.py')\n")


@pytest.mark.parametrize(
    ("platform", "file", "typed"),
    [
        ("linux", "/tmp/counter.py", "/tmp/counter.py"),
        ("linux", "/tmp/sp ace/it's.py", """'/tmp/sp ace/it'"'"'s.py'"""),
        ("win32", "C:\\counter.py", "C:\\counter.py"),
        ("win32", "C:\\sp ace\\counter.py", '"C:\\sp ace\\counter.py"'),
    ],
)
def test_a_file_is_quoted_for_the_shell(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    platform: str,
    file: str,
    typed: str,
) -> None:
    bridge = Counter()
    monkeypatch.setattr("sys.platform", platform)
    explain(bridge, build_table(bridge, PythonBridge), [file])
    out = capsys.readouterr().out
    assert f"  bridgekit call {typed} add a=... b=...\n  python {typed} add a=" in out
    assert f"manager.spawn({file!r})" in out


def test_a_backend_without_words_or_methods_says_so(run: Run) -> None:
    class Bare(PythonBridge):
        pass

    status, out, _ = run(bridge=Bare())
    assert status == 0
    assert out.splitlines()[1:3] == ["", "It has no methods yet."]
    assert "  python counter.py METHOD\n" in out


def test_an_unknown_method_is_no_success(run: Run) -> None:
    status, out, err = run("subtract", "a=1")
    assert status == 2
    assert "Methods:" in out
    assert err == "\nThere is no method 'subtract'.\n"


# --- calling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["add", "a=1", "b=2"], "3\n"),
        (["add", "a=1"], "2\n"),
        (["add", "[1, 2]"], "3\n"),
        (["add", '{"a": 1, "b": 2}'], "3\n"),
        (["echo", "value=plain text"], '"plain text"\n'),
        (["echo", "value=a=b"], '"a=b"\n'),
        (["echo", "value="], '""\n'),
        (["echo", "value=ü"], '"ü"\n'),
        (["echo", "value=[1]"], "[\n  1\n]\n"),
        (["items", "count=3"], "0\n1\n2\n"),
        (["items", "count=0"], ""),
        (["soon", "a=4"], "4\n"),
        (["items_soon", "count=2"], "0\n1\n"),
    ],
)
def test_a_call_prints_its_result_as_json(run: Run, words: list[str], out: str) -> None:
    assert run(*words) == (0, out, "")


def test_results_have_the_plain_form_they_have_on_the_wire(run: Run) -> None:
    class Dated(PythonBridge):
        def day(self, of: date) -> dict[str, date]:
            return {"day": of}

    _, out, _ = run("day", "of=2024-02-29", bridge=Dated())
    assert json.loads(out) == {"day": "2024-02-29"}


def test_the_hooks_run_around_the_call(run: Run) -> None:
    bridge = Counter()
    run("add", "a=1", bridge=bridge)
    assert bridge.told == ["started", "stopped"]


def test_async_hooks_share_the_event_loop_of_the_method(run: Run) -> None:
    class Async(PythonBridge):
        async def on_start(self) -> None:
            self.state["loops"] = [asyncio.get_running_loop()]
            self.state["future"] = asyncio.get_running_loop().create_future()

        async def on_stop(self) -> None:
            self.state["loops"].append(asyncio.get_running_loop())

        async def use(self) -> int:
            self.state["loops"].append(asyncio.get_running_loop())
            self.state["future"].set_result(5)
            return int(await self.state["future"])

    bridge = Async()
    assert run("use", bridge=bridge) == (0, "5\n", "")
    assert len(bridge.state["loops"]) == 3
    assert len(set(bridge.state["loops"])) == 1
    assert bridge.state["loops"][0].is_closed()


def test_what_an_async_method_leaves_running_is_ended(run: Run) -> None:
    bridge = Counter()
    assert run("leaves_a_task", bridge=bridge) == (0, '"done"\n', "")
    assert bridge.told == ["started", "stopped", "cleaned up"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add"], "missing parameter 'a'"),
        (["add", "a=1", "c=2"], "unknown parameter 'c'"),
        (["add", "a=x"], "parameter 'a' must be int, not 'x' (str)"),
        (["add", "[1, 2, 3]"], "3 positional parameters came"),
        (["items"], "missing parameter 'count'"),
        (["asks_the_host", "a=1"], "unknown parameter 'a'"),
        (["add", "1", "2"], "'1' is not of the form name=value"),
        (["add", "--a=1"], "'--a=1' is not of the form name=value"),
        (["add", "[1, 2"], "'[1, 2' is no JSON: "),
        (["asks_the_host"], "the host offers no functions, so 'name' cannot be called"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(run: Run, words: list[str], complaint: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_the_authors_errors_are_the_authors(run: Run) -> None:
    bridge = Counter()
    status, out, err = run("breaks", bridge=bridge)
    assert (status, out) == (1, "")
    assert err.endswith("TypeError: of the author's own\n")
    assert bridge.told == ["started", "stopped"]
    status, out, err = run("unprintable")
    assert (status, out) == (1, "")
    assert err.endswith("TypeError: builtins.object is not a type the wire knows\n")


def test_the_traceback_is_the_authors_alone(run: Run) -> None:
    class Deep(PythonBridge):
        def dig(self, by: int) -> int:
            return 1 // by

        async def dig_soon(self, by: int) -> int:
            return self.dig(by)

    for method in ("dig", "dig_soon"):
        status, _, err = run(method, "by=0", bridge=Deep())
        assert status == 1
        assert err.startswith("Traceback (most recent call last):\n")
        assert "return 1 // by" in err
        assert err.endswith("ZeroDivisionError: integer division or modulo by zero\n")
        assert os.path.join("bridgekit", "backend") + os.sep not in err.replace(__file__, "")


def test_a_type_error_of_a_call_inside_the_method_is_not_taken_for_a_mistake(run: Run) -> None:
    class Inner(PythonBridge):
        @expose
        def outer(self) -> None:
            self.inner()  # type: ignore[call-arg]

        def inner(self, a: int) -> None: ...

    status, _, err = run("outer", bridge=Inner())
    assert status == 1
    assert "self.inner()" in err
    assert "missing 1 required positional argument: 'a'" in err


def test_a_failing_start_hook_ends_it(run: Run) -> None:
    class Fails(PythonBridge):
        def on_start(self) -> None:
            raise BridgeError("no licence")

        def method(self) -> None: ...

    assert run("method", bridge=Fails()) == (2, "", "no licence\n")


# --- at a real terminal -----------------------------------------------------------------------

SCRIPT = """
from bridgekit import PythonBridge

class Counter(PythonBridge):
    def add(self, a: int, b: int) -> int:
        return a + b

if __name__ == "__main__":
    Counter().run()
"""


def at_terminal(script: Path, *words: str) -> tuple[int, str]:
    """Run a script as a person does; return its exit status and what is on the screen."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, str(script), *words],
            stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        os.close(theirs)
        screen = bytearray()
        try:
            while readable(ours):
                screen += os.read(ours, 4096)
        except OSError:  # the last one has closed the terminal
            pass
        return process.wait(PATIENCE), screen.decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


def test_a_person_is_answered_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    script = tmp_path / "counter.py"
    script.write_text(SCRIPT)
    status, screen = at_terminal(script)
    assert status == 0
    assert "Counter is a bridgekit backend" in screen
    assert "  add(a: int, b: int) -> int\n" in screen
    assert at_terminal(script, "add", "a=1", "b=2") == (0, "3\n")
    status, screen = at_terminal(script, "add", "a=1")
    assert status == 2
    assert "missing parameter 'b'" in screen
