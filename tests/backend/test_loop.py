"""The main loop as a host sees it, on every Python that a host may lend the child rooms to."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.backend.conftest import Start
from tests.support import pythons
from tests.support.rawhost import RawHost, host_of

ECHO = """
def echo(self, value):
    return value

def add(self, a: int, b: int = 1) -> int:
    return a + b

def boom(self):
    raise ValueError("no")

def order(self, n):
    self.state.setdefault("seen", []).append(n)
    return self.state["seen"]

def stop(self):
    self._running = False
    return "bye"
"""


@pytest.mark.parametrize("version", pythons.VERSIONS)
def test_the_child_rooms_work_on_every_python(version: str, tmp_path: Path) -> None:
    python = pythons.find(version)
    if python is None:
        pytest.skip(f"this machine has no CPython {version}")
    body = ECHO + (
        "async def soon(self, a: int | None = None):\n    return a\n"
        "def rows(self):\n    yield 1\n"
        "@expose(concurrent=True)\ndef beside(self):\n    return 'w'\n"
    )
    with host_of(tmp_path, body, python=python, flags=["-W", "error"]) as host:
        assert host.ready()["python_version"].startswith(version + ".")
        host.hello()
        assert host.call("add", {"a": 2}) == 3
        assert host.failure("boom")["traceback"].startswith("Traceback")
        assert host.failure("add", {"a": "1"})["code"] == "invalid_params"
        assert host.call("soon", {"a": 4}) == 4
        assert host.failure("soon", {"a": "4"})["code"] == "invalid_params"
        assert host.call("beside") == "w"
        stream = host.start("rows")
        assert host.event("$/item")["result"]["value"] == 1
        host.reply(stream)
        host.call("shutdown")
        assert host.wait() == 0
        assert host.errors() == ""


@pytest.mark.parametrize(
    "call_id", [1, -5, 10**30, "text", "é", 1.5, True, [1, {"a": 2}], {"k": 1}]
)
def test_any_id_is_echoed_with_its_type(start: Start, call_id: Any) -> None:
    host = start(ECHO)
    host.send({"id": call_id, "cmd": "add", "params": {"a": 1}})
    assert host.reply(call_id)["result"] == 2
    host.send({"id": call_id, "cmd": "boom"})
    assert host.reply(call_id)["error"] == "no"


def test_a_request_without_an_id_is_run_and_answered_with_null(start: Start) -> None:
    host = start(ECHO)
    host.send({"cmd": "add", "params": [1]})
    assert host.reply(None)["result"] == 2


@pytest.mark.parametrize("params", [{"value": 1}, [1]])
def test_parameters_by_name_and_by_position(start: Start, params: Any) -> None:
    assert start(ECHO).call("echo", params) == 1


def test_plain_calls_run_in_order_of_arrival(start: Start) -> None:
    host = start(ECHO)
    calls = [host.start("order", [n]) for n in range(50)]
    results = [host.reply(call)["result"] for call in calls]
    assert results == [list(range(n + 1)) for n in range(50)]


GARBAGE = [
    b"\n", b"\0", b"\0\0\n\n\0", b"not json\n", b"\xff\xfe\n", b"{\n", b"[1,2]\n", b"3\n", b"null\n",
    b'{"id":700}\n', b'{"id":700,"cmd":5}\n', b'{"id":700,"cmd":"add","params":7}\n', b'{"cmd":"$/ack"}\n',
    b'{"id":700,"cmd":"add","params":{"a":NaN}}\n', b'"' + b"x" * 70000 + b'"\n', b"[" * 5000 + b"\n",
    b'{"cmd":"$/cancel","params":{"id":{"a":[]}}}\n', b'{"cmd":"$/reply","params":{"call":[],"status":"success"}}\n',
    b'{"id":700,"cmd":"$/unheard"}\n', b'{"id":700,"cmd":"$/batch"}\n', b'{"id":700,"cmd":"$/cancel"}\n',
    b'{"id":700,"cmd":"__class__"}\n', b'{"id":700,"cmd":"run"}\n', b'{"id":700,"cmd":"_bridgekit_loop"}\n',
    b'{"id":700,"cmd":"state.clear"}\n', b'{"id":700,"cmd":""}\n', b'{"id":700,"cmd":"echo","timeout":"x"}\n',
]  # fmt: skip


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
def test_no_garbage_stops_the_loop(start: Start, whole: bool) -> None:
    host = start(ECHO)
    for garbage in GARBAGE:
        if whole or len(garbage) > 100:
            host.write(garbage)
        else:
            for byte in garbage:
                host.write(bytes([byte]))
        assert host.call("add", {"a": 1}) == 2, garbage
    assert {frame["status"] for frame in host.frames} == {"error"}
    assert {repr(frame["id"]) for frame in host.frames} <= {"None", "700"}


def test_a_frame_over_the_cap_is_skipped_and_answered(start: Start) -> None:
    host = start(ECHO)
    host.write(b'{"id":77,"cmd":"echo","params":["')
    for _ in range(17 * 16):
        host.write(b"x" * 65536)
    host.write(b'"]}\n')
    assert host.reply(77)["code"] == "frame_too_large"
    assert host.call("add", [1]) == 2


@pytest.mark.parametrize("size", [1000, 300_000, 2 * 1024 * 1024])
def test_large_values_pass_both_ways(start: Start, size: int) -> None:
    host = start(ECHO)
    value = ("aé漢😀" * (size // 4 + 1))[:size]
    data = json.dumps({"id": 5, "cmd": "echo", "params": [value]}, ensure_ascii=False).encode()
    writer = threading.Thread(target=host.write, args=(data + b"\n",))
    writer.start()
    assert host.reply(5)["result"] == value
    writer.join()
    assert host.raw.isascii()


def test_frames_may_end_with_a_newline_or_a_nul_and_come_in_any_pieces(start: Start) -> None:
    host = start(ECHO)
    calls = b"".join(
        b'{"id":%d,"cmd":"add","params":{"a":%d}}' % (n, n) + (b"\n" if n % 2 else b"\0")
        for n in range(1, 41)
    )
    for at in range(0, len(calls), 7):
        host.write(calls[at : at + 7])
    assert [host.reply(n)["result"] for n in range(1, 41)] == [n + 1 for n in range(1, 41)]


def test_replies_of_one_read_leave_in_few_writes(start: Start) -> None:
    host = start(ECHO)
    host.write(b"".join(b'{"id":%d,"cmd":"add","params":[1]}\n' % n for n in range(1, 101)))
    pieces = 0
    while len(host.frames) < 100 and host.pump():
        pieces += 1
    assert pieces < 20


def test_the_loop_ends_after_the_reply_when_running_is_set_to_false(start: Start) -> None:
    host = start(ECHO)
    first, second = host.start("stop"), host.start("add", [1])
    assert host.reply(first)["result"] == "bye"
    assert host.reply(second)["code"] == "shutting_down"
    assert host.wait() == 0


def test_a_pipeline_gets_its_answers_after_the_end_of_input(start: Start) -> None:
    host = start(
        ECHO
        + "def slow(self):\n    time.sleep(0.05)\n    return 1\n"
        + "async def soon(self):\n    import asyncio\n    await asyncio.sleep(0.05)\n    return 2\n"
        + "@expose(concurrent=True)\ndef beside(self):\n    time.sleep(0.05)\n    return 3\n"
    )
    calls = [host.start(name) for name in ("slow", "soon", "beside", "slow")]
    host.close_stdin()
    assert [host.reply(call)["result"] for call in calls] == [1, 2, 3, 1]
    assert host.wait() == 0


def test_what_the_helper_reads_until_the_end_of_input_is_answered_too(start: Start) -> None:
    host = start(
        ECHO
        + """
def until_the_end(self):
    from bridgekit.backend import call
    self.send_event("begun")
    while not call._main.loop.eof:
        os.sched_yield()

def rows(self):
    yield 1
    return 2
""",
        hello=True,
    )
    first = host.start("until_the_end")
    host.event("begun")
    calls = [host.start(name) for name in ("rows", "$/ping", "rows")]
    host.close_stdin()
    assert host.reply(first)["result"] is None
    assert [host.reply(calls[n])["result"] for n in (0, 2)] == [2, 2]
    assert host.wait() == 0


def test_a_frame_cut_off_by_the_end_of_input_is_told(start: Start) -> None:
    host = start(ECHO)
    host.write(b'{"id":1,"cmd":"add"')
    host.close_stdin()
    assert "the stream ended inside a frame" in host.reply(None)["error"]
    assert host.wait() == 0


def test_a_deadline_reaches_the_method_also_after_a_wait(start: Start) -> None:
    host = start("def left(self):\n    return current_call().remaining\n")
    assert 3 < host.call("left", timeout=5) <= 5
    assert host.call("left") is None
    host.write(b'{"id":91,"cmd":"left","timeout":5}\n{"id":92,"cmd":"left","timeout":7.5}\n')
    assert 3 < host.reply(91)["result"] <= 5
    assert 5 < host.reply(92)["result"] <= 7.5


def test_what_a_method_returns_is_sent_as_it_was_then(start: Start) -> None:
    host: RawHost = start(ECHO)
    assert host.call("order", [1]) == [1]
    assert host.call("order", [2]) == [1, 2]


def test_nothing_of_a_call_lives_on_when_it_has_been_answered(start: Start) -> None:
    host = start(
        """
def made(self):
    import dataclasses, weakref

    @dataclasses.dataclass
    class Large:
        size: int

    large = Large(1)
    self.seen = weakref.ref(large)
    return large

def lives(self):
    return self.seen() is not None
"""
    )
    assert host.call("made") == {"size": 1}
    assert host.call("lives") is False
