"""What a function's code object says about its parameters, without importing ``inspect``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

__all__ = ["MISSING", "Parameter", "Signature", "read_signature"]

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "<missing>"})()

_VARARGS = 0x04
_VARKEYWORDS = 0x08


class Parameter:
    """One named parameter; ``annotation`` is MISSING where there is none."""

    __slots__ = ("annotation", "default", "keyword_only", "name")

    def __init__(self, name: str, annotation: Any, default: Any, keyword_only: bool) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default
        self.keyword_only = keyword_only


class Signature:
    """Everything a caller may pass; ``self`` is not part of it.

    ``star`` and ``double_star`` are the names of ``*args`` and ``**kwargs``, None without them.
    """

    __slots__ = ("double_star", "parameters", "returns", "star", "star_annotations")

    def __init__(self) -> None:
        self.parameters: list[Parameter] = []
        self.star: Optional[str] = None
        self.double_star: Optional[str] = None
        self.star_annotations: dict[str, Any] = {}
        self.returns: Any = MISSING


def read_signature(function: Callable[..., Any], skip_first: bool) -> Signature:
    """Return the signature of a plain function; ``skip_first`` leaves out ``self`` or ``cls``.

    Raises ValueError with the reason, for the person who wrote it, where no host could call it.
    """
    code = function.__code__
    names = code.co_varnames
    count, only = code.co_argcount, code.co_kwonlyargcount
    first = 1 if skip_first else 0
    if skip_first and not count and not code.co_flags & _VARARGS:
        raise ValueError("it has no 'self' parameter; add it, or make it a @staticmethod")
    if code.co_posonlyargcount > first:
        wrong = ", ".join(names[first : code.co_posonlyargcount])
        raise ValueError(
            f"its parameter {wrong} is positional-only and cannot be passed by name; remove the '/'"
        )
    signature = Signature()
    notes = getattr(function, "__annotations__", None) or {}
    defaults = function.__defaults__ or ()
    from_default = count - len(defaults)
    for index in range(min(first, count), count):
        default = defaults[index - from_default] if index >= from_default else MISSING
        name = names[index]
        signature.parameters.append(Parameter(name, notes.get(name, MISSING), default, False))
    keyword_defaults = function.__kwdefaults__ or {}
    for name in names[count : count + only]:
        default = keyword_defaults.get(name, MISSING)
        signature.parameters.append(Parameter(name, notes.get(name, MISSING), default, True))
    at = count + only
    if code.co_flags & _VARARGS:
        signature.star = names[at]
        at += 1
    if code.co_flags & _VARKEYWORDS:
        signature.double_star = names[at]
    for star in (signature.star, signature.double_star):
        if star is not None and star in notes:
            signature.star_annotations[star] = notes[star]
    signature.returns = notes.get("return", MISSING)
    return signature
