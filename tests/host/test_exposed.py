"""The table of host functions that backends may call."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.errors import MethodNotFound
from bridgekit.host.exposed import Exposed


def test_functions_are_called_by_name_by_position_or_bare() -> None:
    table = Exposed()
    table.add("add", lambda a=1, b=2: a + b)
    assert table.invoke("add", {"a": 3}) == 5
    assert table.invoke("add", [3, 4]) == 7
    assert table.invoke("add", None) == 3


def test_the_inner_table_comes_first_and_the_outer_serves_all() -> None:
    outer = Exposed()
    inner = Exposed(outer)
    outer.add("who", lambda: "outer")
    assert inner.invoke("who", None) == "outer"
    undo = inner.add("who", lambda: "inner")
    assert inner.invoke("who", None) == "inner"
    undo()
    undo()
    assert inner.invoke("who", None) == "outer"


def test_what_is_not_exposed_is_not_found() -> None:
    for name in ("missing", "__class__", "invoke"):
        with pytest.raises(MethodNotFound, match=name):
            Exposed().invoke(name, None)


@pytest.mark.parametrize("name", ["", "$/hello", 3, None])
def test_bad_names(name: Any) -> None:
    with pytest.raises(ValueError, match="exposed"):
        Exposed().add(name, print)


def test_bad_functions_and_names_taken() -> None:
    table = Exposed()
    with pytest.raises(TypeError, match="callable"):
        table.add("name", "text")  # type: ignore[arg-type]
    table.add("name", print)
    with pytest.raises(ValueError, match="already"):
        table.add("name", print)
