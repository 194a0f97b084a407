"""What execute sends."""

from __future__ import annotations

import os
from typing import Any

import pytest

from bridgekit import BackendStartError
from bridgekit.host.inline import INLINE, inline_call, start_overdue


def test_code_and_values_travel_apart() -> None:
    assert inline_call("return a", {"a": "'"}) == {"code": "return a", "params": {"a": "'"}}
    assert inline_call("pass", None) == {"code": "pass", "params": {}}


@pytest.mark.parametrize("name", ["", "a b", "class", "1a", "a.b", 3])
def test_names_must_be_identifiers(name: Any) -> None:
    with pytest.raises(ValueError, match="identifier"):
        inline_call("pass", {name: 1})


def test_code_must_be_text() -> None:
    with pytest.raises(TypeError, match="int"):
        inline_call(3, None)  # type: ignore[arg-type]


def test_params_must_have_names() -> None:
    with pytest.raises(TypeError, match=r"params must be a mapping .*, not \[1\]"):
        inline_call("pass", [1])  # type: ignore[arg-type]


def test_the_backend_is_there() -> None:
    path, _, name = INLINE.rpartition(":")
    assert os.path.isfile(path)
    assert name == "InlineBridge"


def test_a_start_is_overdue_only_when_the_time_is_what_was_over() -> None:
    error = BackendStartError("it did not", backend="execute")
    assert start_overdue(error, 1.0, -1.0) is None
    error.timed_out = True
    assert start_overdue(error, None, 0.0) is None
    assert start_overdue(error, 1.0, 0.5) is None
    overdue = start_overdue(error, 0.05, 0.0)
    assert overdue is not None
    assert "within 0.05 s" in str(overdue)
    assert (overdue.timeout, overdue.method, overdue.backend) == (0.05, "execute", "execute")
