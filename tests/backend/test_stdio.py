"""Nothing that a method or its children do with stdin, stdout and stderr touches the wire."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.backend.stdio import Capture
from tests.backend.conftest import Start
from tests.support.rawhost import ROOT, raw_host

BODY = r"""
def add(self, a):
    return a + 1

def prints(self):
    print("one", "two")
    print("three", end="")
    sys.stdout.write("four\n")
    sys.stdout.buffer.write("fünf\n".encode())
    sys.__stdout__.write("old\n")
    sys.__stdout__.flush()

def prints_oddly(self):
    import io
    print("a", "b", 3, sep="-", end="!", flush=True)
    print("to", "stdout", file=sys.stdout)
    print("elsewhere", file=sys.stderr)
    text = io.StringIO()
    print("into a text", file=text)
    print()
    sys.stdout.flush()
    return text.getvalue()

def prints_wrongly(self):
    print("a", sep=1)

def prints_what_fails(self):
    class Broken:
        def __str__(self):
            raise ValueError("no text")
    print("a", Broken())

def raw(self):
    os.write(1, b"raw\n")
    subprocess.run(["echo", "from a child"])
    subprocess.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"])
    os.system("echo from a shell")

def c_level(self):
    import ctypes
    c = ctypes.CDLL(None)
    c.puts(b"from C")
    c.fflush(None)

def reads(self):
    return [sys.stdin.read(), os.read(0, 10).hex()]

def asks(self):
    return input("name? ")

def frame(self):
    print('\0{"id":1,"status":"success","result":"forged"}\0')
    os.write(1, b'\0{"id":1,"status":"success","result":"forged"}\0')

def dies(self):
    print("printed", end="")
    os.write(1, b"written")
    sys.stderr.write("to stderr")
    sys.stderr.flush()
    os.kill(os.getpid(), 9)

def odd(self):
    print("\udc80 \ud83d")
    sys.stdout.buffer.write(b"\xff\xfe half: \xc3")
    sys.stdout.buffer.write(b"\xa9\n")

def closes(self):
    sys.stdout.flush()
    print("still here")
    return [sys.stdout.fileno(), sys.stdout.isatty(), sys.stdout.encoding]

def inherits(self):
    code = "import os,sys\nfor fd in range(3, 200):\n  try: os.fstat(fd); print(fd)\n  except OSError: pass"
    return subprocess.run([sys.executable, "-c", code], close_fds=False, capture_output=True,
                          text=True).stdout
"""


def output(host: object) -> str:
    return "".join(each["result"]["text"] for each in host.events("$/output"))  # type: ignore[attr-defined]


def test_prints_become_events_of_their_call(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("prints")
    host.reply(call)
    events = [frame for frame in host.frames if frame["cmd"] == "$/output"]
    assert {each["call"] for each in events} == {call}
    assert {each["result"]["stream"] for each in events} == {"stdout"}
    assert output(host) == "one two\nthreefour\nfünf\n"
    assert "old\n" in host.errors()


def test_a_print_is_one_event(start: Start) -> None:
    host = start(BODY, hello=True)
    assert host.call("prints_oddly") == "into a text\n"
    texts = [each["result"]["text"] for each in host.events("$/output")]
    assert texts == ["a-b-3!", "to stdout\n", "\n"]
    error = host.failure("prints_wrongly")
    assert (error["type"], error["error"]) == ("TypeError", "sep must be None or a string, not int")
    error = host.failure("prints_what_fails")
    assert error["error"] == "no text"
    assert "bridgekit" not in error["traceback"]
    assert host.errors() == "elsewhere\n"


def test_without_the_feature_prints_go_to_stderr(start: Start) -> None:
    host = start(BODY)
    host.call("prints")
    assert host.frames == []
    assert host.errors() == "one two\nthreefour\nfünf\nold\n"


@pytest.mark.parametrize("hello", [True, False])
def test_descriptors_and_children_write_to_stderr(start: Start, hello: bool) -> None:
    host = start(BODY, hello=hello)
    host.call("raw")
    host.call("c_level")
    assert host.call("add", [1]) == 2
    text = host.errors()
    for line in ("raw\n", "from a child\n", "''\n", "from a shell\n", "from C\n"):
        assert line in text


def test_methods_read_an_empty_stdin(start: Start) -> None:
    host = start(BODY)
    assert host.call("reads") == ["", ""]
    assert host.failure("asks")["type"] == "EOFError"
    assert host.call("add", [1]) == 2


@pytest.mark.parametrize("hello", [True, False])
def test_frames_cannot_be_forged_by_printing(start: Start, hello: bool) -> None:
    host = start(BODY, hello=hello)
    assert host.call("frame") is None
    assert host.call("add", [1]) == 2
    assert not [each for each in host.frames if each.get("result") == "forged"]


def test_nothing_printed_is_lost_when_the_process_is_killed(start: Start) -> None:
    host = start(BODY, hello=True)
    host.start("dies")
    assert host.wait() == -9
    assert output(host) == "printed"
    assert host.errors() == "writtento stderr"


def test_text_that_is_no_text_is_still_shown(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("odd")
    assert output(host) == "\\udc80 \\ud83d\n\\xff\\xfe half: é\n"


def test_stdout_still_looks_like_a_file(start: Start) -> None:
    host = start(BODY, hello=True)
    assert host.call("closes") == [1, False, "utf-8"]


def test_no_child_inherits_the_wire(start: Start) -> None:
    assert start(BODY).call("inherits") == ""


BEFORE = """
import os, sys
print("printed before the wire was claimed")
os.write(1, b"written before\\n")
from bridgekit import PythonBridge

class B(PythonBridge):
    def add(self, a):
        return a + 1

print("before run", end="")
if __name__ == "__main__":
    B().run()
"""


def test_what_is_printed_before_the_claim_is_sealed_off(tmp_path: Path) -> None:
    script = tmp_path / "early.py"
    script.write_text(BEFORE)
    with raw_host(script) as host:  # claimed before the file runs
        host.ready()
        assert host.raw.startswith(b"\0{")
        assert "printed before" in host.errors()
    done = subprocess.run(
        [sys.executable, str(script)],
        input=b'{"id":1,"cmd":"add","params":[1]}\n',
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    early, ready, reply, rest = done.stdout.split(b"\0")
    assert early.startswith(b"written before\n")
    assert b'"id":0' in ready
    assert reply == b'{"id":1,"status":"success","result":2}'
    assert rest == b""
    assert (early + done.stderr).count(b"printed before the wire was claimed") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_missing_standard_descriptors_do_no_harm(tmp_path: Path, closed: str) -> None:
    script = tmp_path / "closed.py"
    quiet = "print = lambda *_, **__: None\n"
    script.write_text(quiet + BEFORE.replace("os.write(1", "print(1"))
    text = '{"id":1,"cmd":"add","params":[1]}\n'
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$1" {closed}', sys.executable, str(script)],
        input=None if "<&-" in closed else text.encode(),
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    if closed == "2>&-":
        assert b'"result":2' in done.stdout


def test_a_capture_falls_back_when_the_host_does_not_take_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    capture = Capture()
    taken: list[str] = []

    def emit(text: str) -> bool:
        taken.append(text)
        return len(taken) < 2

    capture.emit = emit
    assert capture.write(b"first ") == 6
    assert capture.write(b"second ") == 7
    capture.emit = None
    assert capture.write(b"third") == 5
    assert capture.writable()
    assert taken == ["first ", "second "]
    assert capfd.readouterr().err == "second third"
