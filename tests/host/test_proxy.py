"""Proxies: a backend's methods as attributes, untyped and typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import attrs
import pytest

from bridgekit import MethodNotFound, ProcessManager
from bridgekit.host.handle import Backend
from tests.host.support import MENU, plain


@attrs.frozen
class Pair:
    a: int
    b: int


class Typed(Protocol):
    async def add(self, a: int, b: int = 0) -> int: ...
    async def echo(self, value: Any) -> Pair: ...
    def rows(self, n: int, size: int = 0) -> AsyncIterator[int]: ...


class Streaming:
    async def rows(self, n: int, size: int = 0) -> AsyncIterator[int]:
        yield 0

    async def add(self, *numbers: int) -> int:
        raise NotImplementedError

    async def sleep(self, **options: float) -> str:
        raise NotImplementedError


class Wrong(Protocol):
    async def ad(self, a: int) -> int: ...


@pytest.fixture
async def menu(anyio_backend: str) -> AsyncIterator[Backend]:
    async with ProcessManager(stop_grace=2.0) as manager:
        yield await manager.spawn(MENU)


async def test_attributes_are_methods(menu: Backend) -> None:
    assert await menu.proxy.add(a=1, b=2) == 3
    assert await menu.proxy.add(1, 2) == 3
    assert await menu.proxy.pid() == menu.pid
    with pytest.raises(TypeError, match="by name or all by position"):
        menu.proxy.add(1, b=2)
    with pytest.raises(AttributeError, match="underscore"):
        menu.proxy._private  # noqa: B018
    with pytest.raises(MethodNotFound):
        await menu.proxy.no_such_method()
    assert "add" in dir(menu.proxy)
    assert menu.proxy.add is menu.proxy.add
    assert "menu" in repr(menu.proxy)


async def test_a_typed_proxy_knows_names_and_types(menu: Backend) -> None:
    typed = menu.proxy_as(Typed)
    assert await typed.add(1, b=2) == 3
    assert await typed.add(4) == 4
    assert await typed.echo(Pair(1, 2)) == Pair(1, 2)
    with pytest.raises(TypeError, match="missing"):
        await typed.add()  # type: ignore[call-arg]
    assert "Typed" in repr(typed)
    assert [row async for row in typed.rows(3)] == [0, 1, 2]


async def test_a_typed_proxy_streams(menu: Backend) -> None:
    typed = menu.proxy_as(Streaming)
    assert [row async for row in typed.rows(3)] == [0, 1, 2]
    assert await typed.add(1, 2) == 3
    assert await typed.sleep(seconds=0) == "slept"


async def test_what_the_backend_lacks_is_found_at_once(menu: Backend) -> None:
    with pytest.raises(MethodNotFound, match="did you mean 'add'"):
        menu.proxy_as(Wrong)


async def test_also_of_a_backend_that_has_no_process_now(menu: Backend) -> None:
    await menu.terminate()
    assert "add" in dir(menu.proxy)
    with pytest.raises(MethodNotFound, match="did you mean 'add'"):
        menu.proxy_as(Wrong)


async def test_a_plain_backend_is_believed(anyio_backend: str) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(plain("ready"))
        assert await backend.proxy_as(Typed).add(1, b=2) == 3
