from __future__ import annotations

from enum import IntEnum, StrEnum
from http import HTTPStatus
from textwrap import indent
from typing import Any

import pytest

from bridgekit.backend import failures
from bridgekit.backend.failures import failure_fields, failure_of, unknown_method
from bridgekit.errors import (
    CallCancelled,
    Cancelled,
    DecodeError,
    EncodeError,
    FrameTooLarge,
    InvalidParams,
    MethodNotFound,
    QueueFull,
)
from bridgekit.wire.messages import Failure
from tests.backend.conftest import Start


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Coded(Exception):
    code = 42
    data: Any = {"more": [1]}


def test_type_text_and_traceback_are_told() -> None:
    failure = failure_of(7, raised(ValueError("bad value")))
    assert (failure.id, failure.error, failure.type) == (7, "bad value", "ValueError")
    assert failure.traceback is not None
    assert failure.traceback.startswith("Traceback (most recent call last):\n")
    assert failure.traceback.endswith("ValueError: bad value\n")
    assert failure.code is failure.data is None


def test_code_and_data_of_the_authors_are_told() -> None:
    failure = failure_of(1, raised(Coded("x")))
    assert (failure.code, failure.data) == (42, {"more": [1]})
    error = raised(Coded("x"))
    error.code = {"no": "code"}  # type: ignore[attr-defined]
    assert failure_of(1, error).code is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidParams("x"), "invalid_params"),
        (MethodNotFound("x"), "method_not_found"),
        (CallCancelled("x"), "cancelled"),
        (Cancelled("x"), "cancelled"),
        (QueueFull("x"), "queue_full"),
        (FrameTooLarge("x"), "frame_too_large"),
        (EncodeError("x"), "unserialisable"),
        (InvalidParams("x", code="own"), "own"),
    ],
)
def test_our_own_errors_have_codes(error: BaseException, code: str) -> None:
    assert failure_of(1, raised(error)).code == code


def test_errors_of_the_wire_keep_their_bytes_to_themselves() -> None:
    assert failure_of(1, DecodeError("x", data=b"secret")).data is None


@pytest.mark.parametrize("error", [EncodeError("x"), FrameTooLarge("x"), Cancelled("x")])
def test_where_the_author_is_not_to_blame_there_is_no_traceback(error: BaseException) -> None:
    assert failure_of(1, raised(error)).traceback is None


def test_chained_exceptions_and_groups_are_shown_without_our_frames() -> None:
    def chained() -> None:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise RuntimeError("second") from error

    from bridgekit.backend.invoke import invoke

    class Fake:
        checks = ()

        @staticmethod
        def function() -> None:
            chained()

    try:
        invoke(Fake, None)  # type: ignore[arg-type]
    except RuntimeError as error:
        text = failure_of(1, error).traceback or ""
    assert "direct cause" in text
    assert "first" in text
    assert "second" in text
    assert "invoke.py" not in text


def test_a_deep_recursion_is_shortened() -> None:
    def deeper() -> None:
        deeper()

    try:
        deeper()
    except RecursionError as error:
        failure = failure_of(1, error)
    assert len(failure.traceback or "") < 10_000
    assert "recursion" in failure.error


def test_an_exception_without_text_is_named() -> None:
    assert failure_of(1, raised(KeyboardInterrupt())).error == "KeyboardInterrupt"
    assert "could not be made" in failure_of(1, raised(Unprintable())).error


def test_exit_is_explained() -> None:
    failure = failure_of(1, raised(SystemExit(3)))
    assert failure.error == "the method called sys.exit(3); a backend ends by shutdown()"
    assert failure.code is None


def test_long_texts_are_cut() -> None:
    failure = failure_of(1, raised(ValueError("x" * 200_000)))
    assert len(failure.error) < 70_000
    assert failure.error.endswith("... (200000 characters in all)")


def test_a_traceback_that_cannot_be_made_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_chain", lambda report: 1 / 0)
    failure = failure_of(1, raised(ValueError("x")))
    assert failure.traceback == "Traceback (most recent call last):\nValueError\n"


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    LOUD = "loud"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (HTTPStatus.NOT_FOUND, 404),
        (Level.HIGH, 3),
        (Word.LOUD, "loud"),
        (2.5, 2.5),
        (True, None),
        ([1], None),
        (b"x", None),
    ],
)
def test_a_code_is_told_as_the_text_or_number_that_it_is(code: Any, told: Any) -> None:
    error = ValueError("x")
    error.code = code  # type: ignore[attr-defined]
    failure = failure_of(1, error)
    assert (failure.code, type(failure.code)) == (told, type(told))


NASTY = """
class Property(Exception):
    @property
    def code(self): raise RuntimeError("code")
    data = code

class Attributes(Exception):
    def __getattr__(self, name): raise RuntimeError(name)

class Exits(Exception):
    def __str__(self): raise SystemExit(3)

class Interrupts(Exception):
    @property
    def data(self): raise KeyboardInterrupt

class Names(type):
    @property
    def __name__(cls): raise RuntimeError("name")

class Nameless(Exception, metaclass=Names):
    pass

class Huge(Exception):
    code = 10**5000

class Long(Exception):
    code = "x" * (20 << 20)

return [Property, Attributes, Exits, Interrupts, Nameless, Huge, Long]
"""

WAYS = """
def plain(self, n):
    raise self._kinds()[n]("boom")

async def later(self, n):
    raise self._kinds()[n]("boom")

@expose(concurrent=True)
def beside(self, n):
    raise self._kinds()[n]("boom")

def rows(self, n):
    yield 1
    raise self._kinds()[n]("boom")

def add(self, a):
    return a + 1
"""


@pytest.mark.parametrize("way", ["plain", "later", "beside", "rows"])
def test_no_error_takes_the_backend_with_it(start: Start, way: str) -> None:
    """Whatever an exception of the author's does when it is looked at."""
    kinds = "def _kinds(self):\n" + indent(NASTY, "    ")
    host = start(kinds + WAYS)
    host.hello(["stream"])  # the answer to a batch comes whole
    for number, kind in enumerate(
        ("Property", "Attributes", "Exits", "Interrupts", "Nameless", "Huge", "Long")
    ):
        failure = host.reply(host.start(way, [number]))
        assert (failure["status"], failure["type"]) == ("error", kind)
        batch = {"cmd": way, "first": 1000 + 10 * number, "params": [[number]]}
        if way != "rows":
            [[outcome]] = [host.call("$/batch", batch)]
            assert outcome["error"]["type"] == kind
    assert host.call("add", [1]) == 2


def test_fields_inside_a_batch() -> None:
    assert failure_fields(Failure(1, "no")) == {"error": "no"}
    assert failure_fields(Failure(1, "no", code=3, data=4, type="T", traceback="t")) == {
        "error": "no", "code": 3, "data": 4, "type": "T", "traceback": "t",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ad", "did you mean 'add'?"),
        ("Add", "did you mean 'add' or 'addd'?"),
        ("subtrackt", "did you mean 'subtract'?"),
        ("zzz", "there are: add, addd, subtract"),
        ("adde", "did you mean 'add' or 'addd'?"),
        ("x" * 500, "there are: "),
    ],
)
def test_an_unknown_name_gets_a_hint(name: str, said: str) -> None:
    error = unknown_method(name, ["subtract", "add", "addd"])
    assert said in str(error)
    assert len(str(error)) < 300
    assert error.code == "method_not_found"


def test_with_no_methods_there_is_nothing_to_suggest() -> None:
    assert str(unknown_method("x", [])) == "there is no method 'x'"
    assert "..." in str(unknown_method("zzzz", [f"method_{n}" for n in range(40)]))
