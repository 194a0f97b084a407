"""A backend's methods as attributes, untyped or in the shape of a class."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bridgekit.errors import MethodNotFound

if TYPE_CHECKING:
    from bridgekit.host.handle import Backend

__all__ = ["Proxy", "argument_binder", "structurer", "typed_proxy"]

T = TypeVar("T")

_STREAMS = ("AsyncIterator", "AsyncGenerator", "AsyncIterable", "Iterator", "Generator")


class Proxy:
    """``proxy.add(a=1, b=2)`` calls ``add`` by name, ``proxy.add(1, 2)`` by position."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(f"{name!r}: a backend's methods have no leading underscore")
        method = partial(_invoke, self._backend, name)
        self.__dict__[name] = method
        return method

    def __dir__(self) -> list[str]:
        return sorted({*self._backend.status.methods, *self.__dict__} - {"_backend"})

    def __repr__(self) -> str:
        return f"<Proxy of {self._backend!r}>"


def _invoke(backend: Backend, name: str, /, *args: Any, **kwargs: Any) -> Any:
    if args and kwargs:
        raise TypeError(
            f"{name}() of a backend takes its parameters all by name or all by position; "
            "proxy_as(cls) knows the names and takes both"
        )
    return backend.call(name, list(args) if args else kwargs or None)


def typed_proxy(
    backend: Backend, cls: Callable[..., T], bind: Callable[..., Callable[..., Any]] | None = None
) -> T:
    """Return an object with a method for each public one of ``cls``; see ``proxy_as``.

    ``bind(backend, cls, name)`` makes each of them; the one here awaits. ``cls`` is typed as
    what makes a ``T`` because type checkers take no Protocol for a ``type[T]``.
    """
    if not isinstance(cls, type):
        raise TypeError(f"{cls!r} is no class")
    names = [
        name
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and not hasattr(_ground(cls), name)
    ]
    offered = backend.status.methods
    missing = [name for name in names if offered and name not in offered]
    if missing:
        close = difflib.get_close_matches(missing[0], offered, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise MethodNotFound(
            f"backend {backend.name!r} has no method {missing[0]!r}, which {cls.__qualname__} "
            f"asks for{hint}",
            method=missing[0],
            backend=backend.name,
            code="method_not_found",
        )
    proxy = _TypedProxy(backend, cls)
    for name in names:
        setattr(proxy, name, (bind or _bind)(backend, cls, name))
    return cast("T", proxy)


class _TypedProxy:
    """Carries the bound methods of one :func:`typed_proxy`."""

    def __init__(self, backend: Backend, cls: type[Any]) -> None:
        self._backend = backend
        self._cls = cls

    def __repr__(self) -> str:
        return f"<proxy of {self._backend!r} as {self._cls.__qualname__}>"


def _ground(cls: type[Any]) -> type[Any]:
    """Return the class whose methods are machinery: PythonBridge where ``cls`` is a backend."""
    for base in cls.__mro__[1:]:
        if base.__module__ == "bridgekit.backend.bridge":
            return base
    return object


def argument_binder(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return what turns a call's arguments into parameters, by the names in the signature."""
    signature = inspect.signature(function)

    def params(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(None, *args, **kwargs)
        own = next(iter(signature.parameters))
        values = {key: value for key, value in bound.arguments.items() if key != own}
        return _flatten(signature, values)

    return params


def _bind(backend: Backend, cls: type[Any], name: str) -> Callable[..., Any]:
    """Return the method that calls ``name`` with arguments by the names in its signature."""
    function = getattr(cls, name)
    params, structure = argument_binder(function), structurer(function)
    if streams(function):

        async def iterate(*args: Any, **kwargs: Any) -> Any:
            stream = backend.stream(name, params(args, kwargs))
            try:
                async for item in stream:
                    yield structure(item)
            finally:
                await stream.aclose()

        return iterate

    async def invoke(*args: Any, **kwargs: Any) -> Any:
        return structure(await backend.call(name, params(args, kwargs)))

    return invoke


def streams(function: Callable[..., Any]) -> bool:
    """Whether a method yields items, by what it is or (a Protocol's stub) by what it promises."""
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return True
    if inspect.iscoroutinefunction(function):
        return False
    try:
        kind = typing.get_type_hints(function).get("return")
    except Exception:  # an annotation that cannot be resolved here promises nothing
        return False
    return getattr(typing.get_origin(kind), "__name__", "") in _STREAMS


def _flatten(signature: inspect.Signature, values: dict[str, Any]) -> Any:
    """Spread ``*args`` (then all goes by position) and ``**kwargs`` as a call would."""
    positional: list[Any] | None = None
    for key, parameter in signature.parameters.items():
        if key not in values:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            values.update(values.pop(key))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            rest = values.pop(key)
            positional = [*values.values(), *rest]
    return positional if positional is not None else values or None


def structurer(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return what turns a result into the annotated return type; plain types stay as they are."""
    try:
        kind = typing.get_type_hints(function).get("return", Any)
    except Exception:  # an annotation that cannot be resolved here promises nothing
        return lambda value: value
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    name = getattr(origin, "__name__", "")
    if arguments and (name in _STREAMS or name in ("Awaitable", "Coroutine")):
        kind = arguments[-1] if name == "Coroutine" else arguments[0]
    if kind in (Any, None, type(None), int, str, float, bool, dict, list, object):
        return lambda value: value
    from bridgekit.data import structure

    return lambda value: structure(value, kind)
