"""Compiles an author's file, in a cold process without the better part of a millisecond's detour.

The first ``compile()`` of a process makes a class for each kind of node that a syntax tree can
have, although nobody asks for a tree. ``exec`` of a text does not. So the text is executed, and
stopped as its first frame begins; the code of that frame is what ``compile()`` would return.

This file says nothing ``from __future__``: ``exec`` would say it to the author's code, too.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Optional

__all__ = ["code_of"]


class _Taken(BaseException):
    """Stops the execution before the first line."""


def code_of(source: bytes, path: str) -> "CodeType":
    """Return the code of ``source``, the content of the file ``path``; raises as ``compile()``."""
    code = None
    if sys.gettrace() is None and sys.getprofile() is None:  # else somebody would be disturbed
        try:
            code = _take(source, path)
        except Exception:  # an error in it, a warning about it, or another kind of Python
            pass
    if code is None:
        code = compile(source, path, "exec", dont_inherit=True)
    return code


def _take(source: bytes, path: str) -> "Optional[CodeType]":
    """As :func:`code_of`, or raise: any warning, too, because it would name no file."""
    import _imp
    import _warnings

    taken: list[CodeType] = []

    def look(frame: "FrameType", event: str, argument: "Any") -> None:
        code = frame.f_code
        if event == "call" and code.co_name == "<module>" and code.co_filename == "<string>":
            taken.append(code)
            raise _Taken

    warned: Any = _warnings
    imports: Any = _imp
    mutated = warned._filters_mutated
    filters = getattr(sys.modules.get("warnings"), "filters", warned.filters)
    everything = ("error", None, Warning, None, 0)
    filters.insert(0, everything)
    try:
        mutated()
        sys.setprofile(look)
        exec(source, {})  # noqa: S102
    except _Taken:
        imports._fix_co_filename(taken[0], path)
        return taken[0]
    finally:
        sys.setprofile(None)
        filters.remove(everything)
        mutated()
    return None
