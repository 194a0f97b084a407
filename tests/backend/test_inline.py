"""The code that execute runs, without a process around it."""

from __future__ import annotations

import linecache
from typing import Any

import pytest

from bridgekit.backend.failures import format_traceback
from bridgekit.backend.inline import InlineBridge


def execute(code: str, **params: Any) -> Any:
    return InlineBridge().execute(code, params)


def test_a_body_returns_or_does_not() -> None:
    assert execute("return a + b", a=1, b=2) == 3
    assert execute("x = 1") is None
    assert execute("") is None
    assert execute("# only a comment") is None
    assert execute("'''text'''\nreturn 1") == 1


def test_lines_and_indentation_are_those_of_the_text() -> None:
    code = "text = '''\n  two spaces\n'''\nif True:\n\treturn text\n"
    assert execute(code) == "\n  two spaces\n"


def test_values_are_never_code() -> None:
    hostile = "');raise SystemExit('"
    assert execute("return value", value=hostile) == hostile
    for name in ("a b", "a, b", "", "a=1"):
        with pytest.raises(ValueError, match="parameter"):
            InlineBridge().execute("pass", {name: 1})


def test_awaiting_makes_it_asynchronous() -> None:
    assert execute("import asyncio\nreturn await asyncio.sleep(0, 7)") == 7
    assert execute("async def f():\n    return await g()\nreturn 3") == 3
    code = "async def f():\n    yield 1\nreturn [x async for x in f()]"
    assert execute(code) == [1]


def test_yielding_makes_a_list() -> None:
    assert execute("for n in range(count):\n    yield n", count=3) == [0, 1, 2]


def test_the_traceback_finds_the_lines() -> None:
    with pytest.raises(ZeroDivisionError):
        execute("zero = 0\nreturn 1 / zero")
    assert linecache.getline("<execute>", 2) == "return 1 / zero"
    with pytest.raises(SyntaxError):
        execute("return (")


def test_the_space_of_the_code_is_its_own() -> None:
    assert execute("global made\nmade = 1\nreturn __name__") == "__execute__"
    with pytest.raises(NameError):
        execute("return InlineBridge")


def test_the_traceback_of_code_that_awaits_begins_with_its_own_lines() -> None:
    code = "import asyncio\nawait asyncio.sleep(0)\nraise LookupError(1)"
    with pytest.raises(LookupError) as caught:
        InlineBridge().execute(code, {})
    text = format_traceback(caught.value)
    assert "line 3, in execute" in text
    assert "runners.py" not in text
