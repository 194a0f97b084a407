from __future__ import annotations

from typing import Any

import pytest

from bridgekit import InvalidParams, PythonBridge
from bridgekit.backend.dispatch import build_table
from bridgekit.backend.invoke import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    LATER,
    invoke,
    raised_by_call,
)


class Target(PythonBridge):
    def typed(self, a: int, b: float = 0.5) -> Any:
        return a, b

    def untyped(self, a: Any, b: Any = 2) -> Any:
        return a, b

    def fails(self) -> None:
        int([])  # type: ignore[call-overload]


TABLE = build_table(Target(), PythonBridge)


@pytest.mark.parametrize(
    ("name", "params", "result"),
    [
        ("untyped", {"a": 1}, (1, 2)),
        ("untyped", [1, 3], (1, 3)),
        ("typed", {"a": 1, "b": 2}, (1, 2.0)),
        ("typed", {"a": 1}, (1, 0.5)),
        ("typed", [1, 2], (1, 2.0)),
    ],
)
def test_the_method_gets_its_arguments(name: str, params: Any, result: Any) -> None:
    assert invoke(TABLE[name], params) == result


def test_types_are_checked_before_the_method_runs() -> None:
    with pytest.raises(InvalidParams):
        invoke(TABLE["typed"], {"a": "1"})
    with pytest.raises(InvalidParams):
        invoke(TABLE["typed"], None)


def test_a_type_error_of_the_call_is_told_from_one_of_the_method() -> None:
    with pytest.raises(TypeError) as of_call:
        invoke(TABLE["untyped"], {"c": 1})
    with pytest.raises(TypeError) as of_method:
        invoke(TABLE["fails"], None)
    assert raised_by_call(of_call.value)
    assert not raised_by_call(of_method.value)
    assert not raised_by_call(ValueError())
    assert not raised_by_call(TypeError())


def test_results_that_come_later_are_known_by_type() -> None:
    async def coroutine() -> None: ...

    async def items() -> Any:
        yield 1

    def iter_nothing() -> Any:
        yield

    pending = coroutine()
    assert type(pending) is COROUTINE
    pending.close()
    assert type(items()) is ASYNC_GENERATOR
    assert type(iter_nothing()) is GENERATOR
    assert {COROUTINE, ASYNC_GENERATOR, GENERATOR} == LATER
