"""Failures into exceptions and back."""

from __future__ import annotations

import pytest

from bridgekit.errors import FrameTooLarge, InvalidParams, MethodNotFound, QueueFull, RemoteError
from bridgekit.host.exposed import Exposed
from bridgekit.host.outcomes import error_of, failure_of
from bridgekit.wire.messages import Failure


def test_a_remote_exception_keeps_everything() -> None:
    failure = Failure(4, "no tea", "teapot", {"cups": 2}, "ValueError", "Traceback ...")
    error = error_of(failure, "brew", 4, "kitchen")
    assert isinstance(error, RemoteError)
    assert (error.message, error.type, error.code, error.data) == (
        "no tea",
        "ValueError",
        "teapot",
        {"cups": 2},
    )
    assert (error.method, error.call_id, error.backend) == ("brew", 4, "kitchen")
    assert error.traceback == "Traceback ..."


def test_the_codes_of_both_vocabularies() -> None:
    for code in ("method_not_found", -32601):
        assert isinstance(error_of(Failure(1, "x", code), "m", 1, "b"), MethodNotFound)
    for code in ("invalid_params", -32602):
        assert isinstance(error_of(Failure(1, "x", code), "m", 1, "b"), InvalidParams)
    assert isinstance(error_of(Failure(1, "x", "queue_full"), "m", 1, "b"), QueueFull)
    assert isinstance(error_of(Failure(1, "x", "frame_too_large"), "m", 1, "b"), FrameTooLarge)


def test_an_authors_own_code_is_not_taken_for_ours() -> None:
    failure = Failure(1, "x", "queue_full", None, "MyError")
    assert isinstance(error_of(failure, "m", 1, "b"), RemoteError)
    assert isinstance(error_of(Failure(1, "x", ["list"]), "m", 1, "b"), RemoteError)


def test_the_hosts_own_exception_is_told_to_the_backend() -> None:
    error = LookupError("not here")
    error.code, error.data = 7, [1]  # type: ignore[attr-defined]
    failure = failure_of("b1", error)
    assert (failure.id, failure.error, failure.type) == ("b1", "not here", "LookupError")
    assert (failure.code, failure.data) == (7, [1])
    assert failure.traceback is not None
    assert "LookupError: not here" in failure.traceback
    assert failure_of("b1", MethodNotFound("no x")).code == "method_not_found"


def test_an_error_that_raises_when_it_is_looked_at_is_told_all_the_same() -> None:
    class Odd(Exception):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    failure = failure_of("b1", Odd("why"))
    assert (failure.error, failure.type, failure.code, failure.data) == ("why", "Odd", None, None)


def test_whatever_the_hosts_exception_is_there_is_an_answer() -> None:
    """The backend waited for one until its time was over."""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    failure = failure_of("b1", Unprintable())
    assert failure.error == "<the text of Unprintable could not be made>"
    failure = failure_of("b1", ValueError("x" * 20_000_000))
    assert failure.error.endswith("... (20000000 characters in all)")
    assert len(failure.error) + len(failure.traceback or "") < 200_000


def test_the_traceback_is_that_of_the_hosts_function() -> None:
    def broken() -> None:
        raise LookupError("not here")

    exposed = Exposed()
    exposed.add("broken", broken)
    with pytest.raises(LookupError) as caught:
        exposed.invoke("broken", None)
    caught.value.__traceback__ = caught.value.__traceback__.tb_next  # type: ignore[union-attr]
    text = failure_of("b1", caught.value).traceback or ""
    assert text.startswith("Traceback (most recent call last):")
    assert "in broken" in text
    assert "exposed.py" not in text
