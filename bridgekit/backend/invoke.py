"""Calls one method with one call's parameters, on the shortest way that is still strict."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.dispatch import Method

__all__ = [
    "ASYNC_GENERATOR",
    "CALLERS",
    "COROUTINE",
    "GENERATOR",
    "LATER",
    "invoke",
    "raised_by_call",
]


def invoke(method: Method, params: Any) -> Any:
    """Return what the method returns; raises InvalidParams before it runs.

    Python itself checks the names of parameters when it makes the call; the TypeError it raises
    is explained afterwards (:func:`raised_by_call`), which costs good calls nothing.
    """
    if params.__class__ is dict:
        get = params.get
        for name, kind, default in method.checks:
            if get(name, default).__class__ is not kind:
                break
        else:
            return method.function(**params)
    elif not method.checks:
        return method.function(*params) if params else method.function()
    from bridgekit.backend.binding import binder_of

    positional, named = binder_of(method).bind(params)
    return method.function(*positional, **named)


CALLERS = {invoke.__code__}
"""The code of functions that call methods."""


def raised_by_call(error: BaseException) -> bool:
    """Whether ``error`` comes from making the call, and not from inside the method."""
    trace = error.__traceback__
    if type(error) is not TypeError or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code in CALLERS


def _generator() -> Any:
    yield


async def _coroutine() -> None:
    pass


async def _async_generator() -> Any:
    yield


_sample = _coroutine()
GENERATOR: Any = type(_generator())
COROUTINE: Any = type(_sample)
ASYNC_GENERATOR: Any = type(_async_generator())
_sample.close()

LATER = frozenset((GENERATOR, COROUTINE, ASYNC_GENERATOR))
"""Types of results that are not results yet."""
