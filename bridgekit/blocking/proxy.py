"""A backend's methods in the shape of a class, for blocking code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bridgekit.host import proxy as face

if TYPE_CHECKING:
    from bridgekit.blocking.handle import Backend

__all__ = ["typed_proxy"]

T = TypeVar("T")


def typed_proxy(backend: Backend, cls: Callable[..., T]) -> T:
    """Return an object with a method for each public one of ``cls``; see ``proxy_as``."""
    return face.typed_proxy(cast("Any", backend), cls, bind=_bind)


def _bind(backend: Any, cls: type[Any], name: str) -> Callable[..., Any]:
    """Return the method that calls ``name`` with arguments by the names in its signature."""
    function = getattr(cls, name)
    params = face.argument_binder(function)
    structure = face.structurer(function)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):

        def iterate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with backend.stream(name, params(args, kwargs)) as stream:
                for item in stream:
                    yield structure(item)

        return iterate

    def invoke(*args: Any, **kwargs: Any) -> Any:
        return structure(backend.call(name, params(args, kwargs)))

    return invoke
