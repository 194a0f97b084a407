"""The code taken from an execution is the code that ``compile()`` makes."""

from __future__ import annotations

import marshal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from bridgekit.backend import compiling
from bridgekit.backend.compiling import code_of
from tests.backend.conftest import Start

SOURCES = [
    b"",
    b"# only a comment\n",
    b'"""Docstring."""\nfrom __future__ import annotations\nclass A:\n    def f(self, x: B) -> C: ...\n',
    b"def f(a: int) -> str:\n    return [g(x) for x in a]\n\nraise SystemExit(3)\n",
    b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
    b"\xef\xbb\xbfname = '\xc3\xa9'\r\nlambda: (yield)\r\n",
    "größe = '✓'\n".encode(),
]


@pytest.fixture
def undisturbed() -> Any:
    """No tracer and no profiler for the time of a test."""
    trace, profile = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    yield
    sys.settrace(trace)
    sys.setprofile(profile)


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("source", SOURCES)
def test_the_code_is_the_same(source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = compile(source, "/some/where.py", "exec", dont_inherit=True)
    monkeypatch.setattr(compiling, "compile", None, raising=False)  # it is not asked
    code = code_of(source, "/some/where.py")
    assert code == expected
    assert marshal.dumps(code) == marshal.dumps(expected)
    assert sys.getprofile() is None


def test_nothing_is_executed_and_nothing_inherited() -> None:
    space: dict[str, Any] = {}
    exec(
        code_of(b"ran = True\ndef f(x: undefined_name = 1): ...\n", "x.py"),
        {"undefined_name": 3},
        space,
    )
    assert space["ran"]
    assert space["f"].__annotations__ == {"x": 3}


@pytest.mark.parametrize("source", [b"def", b"x = 1\x00", b"\xff\xfe", b"# coding: nonsense\n"])
def test_errors_name_the_file(source: bytes) -> None:
    with pytest.raises((SyntaxError, ValueError)) as expected:
        compile(source, "broken.py", "exec", dont_inherit=True)
    with pytest.raises((SyntaxError, ValueError)) as caught:
        code_of(source, "broken.py")
    assert str(caught.value) == str(expected.value)
    assert getattr(caught.value, "filename", "") == getattr(expected.value, "filename", "")


@pytest.mark.usefixtures("undisturbed")
def test_warnings_name_the_file() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        code_of(b"1 is 1\n", "doubtful.py")
        assert warnings.filters == before
    assert [each.filename for each in seen] == ["doubtful.py"]


def test_who_traces_is_not_disturbed() -> None:
    old, seen = sys.getprofile(), []

    def look(frame: Any, event: str, argument: Any) -> None:
        seen.append(event)

    sys.setprofile(look)
    try:
        code_of(b"x = 1\n", "x.py")
        assert sys.getprofile() is look
    finally:
        sys.setprofile(old)


@pytest.mark.usefixtures("undisturbed")
def test_an_interpreter_without_these_means_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_imp", None)
    assert code_of(b"x = 1\n", "x.py").co_filename == "x.py"


@pytest.mark.usefixtures("undisturbed")
def test_other_threads_go_on() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)])
    thread.start()
    try:
        for _ in range(50):
            assert code_of(b"x = 1\n", "x.py").co_filename == "x.py"
    finally:
        stop.set()
        thread.join()


def test_a_backend_is_told_where_its_errors_are(start: Start, tmp_path: Path) -> None:
    host = start("def fails(self):\n    raise ValueError('here')\n")
    trace = host.failure("fails")["traceback"]
    assert "<string>" not in trace
    assert str(tmp_path) in trace
