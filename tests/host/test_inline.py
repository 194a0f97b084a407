"""What execute sends."""

from __future__ import annotations

import os
from typing import Any

import pytest

from bridgekit.host.inline import INLINE, inline_call


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
