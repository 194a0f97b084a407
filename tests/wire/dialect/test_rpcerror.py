"""Error objects say the same as failures, to our side exactly and to others in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.wire.dialect._rpcerror import NUMBERS, WIRE_CODES, failure_from, failure_to
from bridgekit.wire.messages import Failure


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        ("decode_error", -32700),
        ("invalid_request", -32600),
        ("method_not_found", -32601),
        ("invalid_params", -32602),
        ("internal", -32603),
        (None, -32603),
        ("cancelled", -32800),
        ("the author's own", -32000),
        (42, 42),
        (-32601, -32601),
        (1.5, -32000),
    ],
)
def test_numbers(reason: Any, number: int) -> None:
    assert failure_to(Failure(1, "no", reason))["code"] == number


@pytest.mark.parametrize("code", [*NUMBERS, *NUMBERS.values(), None, "own", 0, 42, 1.5, True, [1]])
@pytest.mark.parametrize("data", [None, {"x": 1}, {"code": 5}, "text", 0])
@pytest.mark.parametrize("names", [(None, None), ("ValueError", "Traceback")])
def test_our_own_come_back_exactly(code: Any, data: Any, names: tuple[Any, Any]) -> None:
    failure = Failure(1, "no", code, data, *names)
    back = failure_from(1, failure_to(failure))
    assert back == failure and type(back.code) is type(code)


def test_nothing_needless_is_sent() -> None:
    assert failure_to(Failure(1, "no", "method_not_found")) == {"code": -32601, "message": "no"}
    assert failure_to(Failure(1, "no", "own"))["data"] == {"code": "own"}
    assert failure_to(Failure(1, "no", type="T"))["data"] == {"type": "T"}


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"code": -32601, "message": "m"}, Failure(1, "m", "method_not_found")),
        ({"code": -32603, "message": "m"}, Failure(1, "m")),
        ({"code": 7, "message": "m", "data": [1]}, Failure(1, "m", 7, [1])),
        ({"code": 7, "message": "m", "data": {"other": 1}}, Failure(1, "m", 7, {"other": 1})),
        ({"code": 7, "message": "m", "data": {}}, Failure(1, "m", 7, {})),
        ({"message": "m", "data": {"type": 5, "traceback": 6}}, Failure(1, "m")),
        ({"code": "x"}, Failure(1, "an object with 'code'", "x")),
        ("text", Failure(1, "text")),
        (5, Failure(1, "5")),
    ],
)
def test_those_of_others(error: Any, failure: Failure) -> None:
    assert failure_from(1, error) == failure


def test_reasons_of_frames_are_known() -> None:
    assert set(NUMBERS) >= WIRE_CODES
