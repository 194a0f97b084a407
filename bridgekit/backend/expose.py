"""The marks an author puts on methods. They only leave a note; the table reads it at start."""

from __future__ import annotations

from bridgekit.backend.dispatch import MARK, Marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, Optional, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])
    CancelMode = Literal["raise", "flag"]


__all__ = ["expose", "hidden"]

if TYPE_CHECKING:

    @overload
    def expose(method: F) -> F: ...
    @overload
    def expose(
        *,
        name: Optional[str] = None,
        concurrent: bool = False,
        idempotent: bool = False,
        cancel: CancelMode = "raise",
    ) -> Callable[[F], F]: ...

    def expose(method: Any = None, **options: Any) -> Any:
        """For the type checker; the one below is real."""

else:

    def expose(method=None, *, name=None, concurrent=False, idempotent=False, cancel="raise"):
        """Make a method callable from outside, or say more about one that is.

        Use it bare (``@expose``) on a method that would not be callable otherwise (a leading
        underscore, a mixin's), or with options:

        ``name``
            what hosts call it, instead of its own name;
        ``concurrent``
            run it on a worker thread beside other calls, instead of alone on the main thread;
        ``idempotent``
            running it twice does no harm, so a host may send it again when a worker died;
        ``cancel``
            ``"raise"`` (default): cancelling raises :class:`bridgekit.Cancelled` in it; ``"flag"``:
            cancelling only sets ``current_call().cancelled``, and the method decides.
        """
        if cancel not in ("raise", "flag"):
            raise ValueError(f"cancel must be 'raise' or 'flag', not {cancel!r}")

        def mark(function):
            _leave(function, Marks(True, name, concurrent, idempotent, cancel))
            return function

        return mark if method is None else mark(method)


def hidden(method: F) -> F:
    """Keep a public method of a backend from being called from outside."""
    _leave(method, Marks(False))
    return method


def _leave(function: Any, marks: Marks) -> None:
    if isinstance(function, (staticmethod, classmethod)):
        function = function.__func__
    try:
        setattr(function, MARK, marks)
    except (AttributeError, TypeError):
        raise TypeError(
            f"{function!r} cannot be marked: put @expose or @hidden directly on a method"
        ) from None
