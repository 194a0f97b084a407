"""Proxies without await."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import attrs
import pytest

from bridgekit import MethodNotFound
from bridgekit.blocking import Backend


@attrs.frozen
class Pair:
    a: int
    b: int


class Typed(Protocol):
    def add(self, a: int, b: int = 0) -> int: ...
    def echo(self, value: Any) -> Pair: ...


class Streaming:
    def rows(self, n: int, size: int = 0) -> Iterator[int]:
        yield 0


class Wrong(Protocol):
    def ad(self, a: int) -> int: ...


def test_attributes_are_methods(menu: Backend) -> None:
    assert menu.proxy.add(a=1, b=2) == 3
    assert menu.proxy.add(1, 2) == 3
    assert menu.proxy.pid() == menu.pid
    with pytest.raises(TypeError, match="by name or all by position"):
        menu.proxy.add(1, b=2)
    with pytest.raises(MethodNotFound):
        menu.proxy.no_such_method()
    assert "add" in dir(menu.proxy)


def test_typed(menu: Backend) -> None:
    typed = menu.proxy_as(Typed)
    assert typed.add(1, b=2) == 3
    assert typed.add(1) == 1
    assert typed.echo({"a": 1, "b": 2}) == Pair(1, 2)
    with pytest.raises(TypeError):
        typed.add()  # type: ignore[call-arg]
    with pytest.raises(MethodNotFound, match="did you mean 'add'"):
        menu.proxy_as(Wrong)


def test_a_backend_that_has_no_process_now_is_still_known(menu: Backend) -> None:
    menu.terminate()
    assert "add" in dir(menu.proxy)
    with pytest.raises(MethodNotFound):
        menu.proxy_as(Wrong)


def test_typed_streams(menu: Backend) -> None:
    rows = menu.proxy_as(Streaming).rows
    assert list(rows(3)) == [0, 1, 2]
    for item in rows(100_000):
        if item == 5:
            break
    assert menu.call("add", {"a": 1}) == 1
