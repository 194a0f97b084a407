"""Functions of the host that its backends may call, by name and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridgekit.errors import MethodNotFound

__all__ = ["Exposed"]


class Exposed:
    """A table of names and functions; ``outer`` is asked for what it does not have."""

    def __init__(self, outer: Exposed | None = None) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self._outer = outer

    def add(self, name: str, function: Callable[..., Any]) -> Callable[[], None]:
        """Let backends call ``function`` as ``name`` until the returned function runs.

        Raises ValueError for a bad name or one that is taken, TypeError for what is no function.
        """
        if not isinstance(name, str) or not name or name.startswith("$"):
            raise ValueError(f"{name!r} cannot be exposed: it must be text without a leading '$'")
        if not callable(function):
            raise TypeError(f"{function!r} cannot be exposed as {name!r}: it is not callable")
        if name in self._functions:
            raise ValueError(f"{name!r} is exposed already; take that one back first")
        self._functions[name] = function

        def remove() -> None:
            if self._functions.get(name) is function:
                del self._functions[name]

        return remove

    def find(self, name: str) -> Callable[..., Any] | None:
        """Return the function exposed as ``name``, or None."""
        function = self._functions.get(name)
        if function is None and self._outer is not None:
            return self._outer.find(name)
        return function

    def invoke(self, name: str, params: Any) -> Any:
        """Call what is exposed as ``name``; raises MethodNotFound when nothing is."""
        function = self.find(name)
        if function is None:
            raise MethodNotFound(
                f"the host exposes no function {name!r}", method=name, code="method_not_found"
            )
        if params is None:
            return function()
        if isinstance(params, Mapping):
            return function(**params)
        return function(*params)
