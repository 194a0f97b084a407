"""The method table: what a host may call, worked out once, at start.

Callable from outside is what the *subclass* defines without a leading underscore, plus what it
marks with ``@expose``, minus what it marks with ``@hidden``. Never: the machinery inherited from
:class:`PythonBridge`, dunders, attributes, dotted paths. Whatever cannot work (two methods of
one name, a parameter that no host can pass) fails here and not at the first call.
"""

from __future__ import annotations

from bridgekit.backend.signature import MISSING, read_signature
from bridgekit.errors import BridgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    from bridgekit.backend.signature import Signature

__all__ = ["ASYNC", "MAIN", "MARK", "WORKER", "Marks", "Method", "build_table"]

MAIN, WORKER, ASYNC = "main", "worker", "async"
"""Where a method runs: alone on the main thread, on a worker thread, on the event loop."""

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80 | 0x100, 0x200

_EXACT: dict[Any, type] = {
    kind: each for each in (int, str, bool, float, list, dict) for kind in (each, each.__name__)
}
_ANYTHING = ("Any", "typing.Any", "object")

COMMANDS = frozenset(("ready", "shutdown"))
"""Machinery that every host may call, and every author may override."""

_function = type(read_signature)


MARK = "__bridgekit__"
"""The attribute of a function that holds its :class:`Marks`."""


class Marks:
    """What an author said about one method, with :func:`bridgekit.expose`."""

    __slots__ = ("cancel", "concurrent", "exposed", "idempotent", "name")

    def __init__(
        self,
        exposed: bool,
        name: Optional[str] = None,
        concurrent: bool = False,
        idempotent: bool = False,
        cancel: str = "raise",
    ) -> None:
        self.exposed = exposed
        self.name = name
        self.concurrent = concurrent
        self.idempotent = idempotent
        self.cancel = cancel


class Method:
    """One callable method.

    ``checks`` is enough to let most calls through; the rest is looked at by
    ``bridgekit.backend.binding``. ``function`` is bound to its bridge.
    """

    __slots__ = (
        "binder",
        "checks",
        "function",
        "lane",
        "marks",
        "name",
        "raw",
        "signature",
        "streams",
    )

    def __init__(
        self, name: str, function: Callable[..., Any], raw: Any, marks: Marks, skip_first: bool
    ) -> None:
        self.name = name
        self.function = function
        self.raw = raw
        self.marks = marks
        self.signature: Signature = read_signature(raw, skip_first)
        self.checks = _exact_checks(self.signature, raw)
        self.binder: Any = None
        flags = raw.__code__.co_flags
        self.streams = bool(flags & (_GENERATOR | _ASYNC_GENERATOR)) and not flags & 0x100
        if flags & (_COROUTINE | _ASYNC_GENERATOR):
            self.lane = ASYNC
        else:
            self.lane = WORKER if marks.concurrent else MAIN


def _exact_checks(signature: Signature, raw: Any) -> tuple[tuple[str, Any, Any], ...]:
    """The quick look at parameters: name, exact type, and what stands in for a default.

    A type of None sends every call to the thorough look.
    """
    checks: list[tuple[str, Any, Any]] = []
    names = raw.__globals__
    for parameter in signature.parameters:
        note = parameter.annotation
        if note is MISSING or _means_anything(note):
            continue
        try:
            exact = _EXACT.get(note) if type(note) is not str or note not in names else None
        except TypeError:  # an annotation that cannot be hashed
            exact = None
        stand_in = None if exact is None or parameter.default is MISSING else exact()
        checks.append((parameter.name, exact, stand_in))
    if signature.star_annotations:
        checks.append(("", None, None))
    return tuple(checks)


def _means_anything(note: Any) -> bool:
    return note is object or note in _ANYTHING or str(note) == "typing.Any"


def build_table(bridge: Any, machinery: type) -> dict[str, Method]:
    """Return what hosts may call on ``bridge``, by name; ``machinery`` is the base class.

    Raises BridgeError listing everything that is wrong with the class.
    """
    table: dict[str, Method] = {}
    problems: list[str] = []
    for attribute, owner in _candidates(type(bridge), machinery):
        value = owner.__dict__[attribute]
        raw = _underlying(value)
        if raw is None:
            continue
        marks = _marks(value, raw)
        where = f"{owner.__qualname__}.{attribute}"
        if attribute in machinery.__dict__:
            if marks is not None and marks.exposed and attribute not in COMMANDS:
                problems.append(f"{where} overrides a part of PythonBridge and cannot be exposed")
            continue
        if marks is None:
            if attribute.startswith("_") or not issubclass(owner, machinery):
                continue
            marks = _PLAIN
        if not marks.exposed:
            continue
        name = marks.name or attribute
        problem = _name_problem(name, table)
        if problem is None:
            static = isinstance(value, staticmethod)
            try:
                table[name] = Method(name, getattr(bridge, attribute), raw, marks, not static)
                continue
            except ValueError as error:
                problem = f"cannot be called by a host: {error}"
        problems.append(f"{where} {problem}")
    problems += _hidden_machinery(type(bridge), machinery)
    if problems:
        cls = type(bridge).__qualname__
        raise BridgeError(f"{cls} cannot be run:\n  - " + "\n  - ".join(problems))
    return table


_PLAIN = Marks(True)


def _candidates(cls: type, machinery: type) -> list[tuple[str, type]]:
    """Every attribute name below the base class with the class that has the last word on it."""
    found: dict[str, type] = {}
    for owner in cls.__mro__:
        if owner is machinery or owner is object:
            continue
        for attribute in owner.__dict__:
            found.setdefault(attribute, owner)
    return list(found.items())


def _underlying(value: Any) -> Any:
    """The plain function behind a class attribute, or None if it is no method."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if type(value) is not _function and not hasattr(value, "__wrapped__"):
        return None
    if isinstance(value, type) or not callable(value):
        return None
    # A wrapper that takes anything stands for what it wraps.
    while hasattr(value, "__wrapped__") and (
        type(value) is not _function or _takes_anything(value.__code__)
    ):
        value = value.__wrapped__
    return value if type(value) is _function else None


def _takes_anything(code: Any) -> bool:
    return code.co_flags & 0x0C == 0x0C and code.co_argcount <= 1 and not code.co_kwonlyargcount


def _marks(value: Any, raw: Any) -> Optional[Marks]:
    """The marks on a method: the outermost decoration wins."""
    for holder in (value, getattr(value, "__func__", None), raw):
        marks = getattr(holder, MARK, None)
        if marks is not None:
            return marks  # type: ignore[no-any-return]
    return None


def _name_problem(name: Any, table: dict[str, Method]) -> Optional[str]:
    if type(name) is not str or not name or name.startswith(("$/", "__", "rpc.")):
        return f"cannot be called {name!r}: that name is reserved"
    if name in COMMANDS:
        return f"cannot be called {name!r}: override the method of that name instead"
    if not all(char.isalnum() or char in "_-./:" for char in name):
        return f"cannot be called {name!r}: use letters, digits and _ - . / :"
    if name in table:
        return f"is called {name!r}, and so is another method"
    return None


def _hidden_machinery(cls: type, machinery: type) -> list[str]:
    """Attributes of the class that would break what the base class needs them for.

    Plain data called ``state`` or ``host`` is the author's own affair; a method of that name
    would take the place of what every other method finds there.
    """
    problems = []
    for owner in cls.__mro__[: cls.__mro__.index(machinery)]:
        for name in ("state", "host", "send_event"):
            value = owner.__dict__.get(name)
            if value is None:
                continue
            clashes = not callable(value) if name == "send_event" else _underlying(value)
            if clashes:
                problems.append(
                    f"{owner.__qualname__}.{name} hides PythonBridge.{name}; give it another name"
                )
    return problems
