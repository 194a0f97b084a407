"""The backend behind ``ProcessManager.execute``: runs the text it is given as a function's body.

The text is parsed by itself and becomes the body of a function whose parameters are the names
of the values that came with it. Nothing is pasted into anything, so a value can never become
code, and line numbers stay those of the text.
"""

from __future__ import annotations

from bridgekit.backend.bridge import PythonBridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["InlineBridge"]

_FILE = "<execute>"
_ONLY_AST = 0x400
_AWAITING = ("Await", "AsyncFor", "AsyncWith")
_SCOPES = ("FunctionDef", "AsyncFunctionDef", "Lambda", "ClassDef")


class InlineBridge(PythonBridge):
    """One method, :meth:`execute`."""

    def execute(self, code: str, params: dict) -> Any:  # type: ignore[type-arg]
        """Run ``code`` as the body of a function with ``params``; return what it returns."""
        try:
            function = _function(code, list(params))
            result = function(**params)
            if hasattr(result, "__await__"):
                import asyncio

                result = asyncio.run(_finish(result))
            return list(result) if hasattr(result, "gi_frame") else result
        except BaseException as error:
            _show_lines(code)
            raise error.with_traceback(_from_code(error.__traceback__))  # noqa: B904 - the same


async def _finish(awaitable: Any) -> Any:
    return await awaitable


def _function(code: str, names: list[str]) -> Any:
    """Compile ``code`` into a function with parameters of the given names."""
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{name!r} cannot be the name of a parameter")
    body = compile(code, _FILE, "exec", _ONLY_AST, dont_inherit=True).body
    waits = any(_awaits(node) for node in body)
    head = "async def" if waits else "def"
    text = f"{head} execute({', '.join(names)}): pass"
    tree = compile(text, _FILE, "exec", _ONLY_AST, dont_inherit=True)
    if body:
        tree.body[0].body = body
    space: dict[str, Any] = {"__name__": "__execute__", "__file__": _FILE}
    exec(compile(tree, _FILE, "exec", dont_inherit=True), space)  # noqa: S102 - its purpose
    return space["execute"]


def _awaits(node: Any) -> bool:
    """Whether ``node`` awaits something itself, and not inside a function of its own."""
    kind = type(node).__name__
    if kind in _AWAITING or (kind == "comprehension" and node.is_async):
        return True
    if kind in _SCOPES:
        return False
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if type(value) is list else (value,):
            if hasattr(child, "_fields") and _awaits(child):
                return True
    return False


def _from_code(trace: Any) -> Any:
    """Return ``trace`` from the code's own first frame on, without those of what ran it."""
    inner = trace
    while inner is not None:
        if inner.tb_frame.f_code.co_filename == _FILE:
            return inner
        inner = inner.tb_next
    return trace


def _show_lines(code: str) -> None:
    """Let the traceback show the lines of ``code``, which no file holds."""
    import linecache

    lines = code.splitlines(keepends=True)
    linecache.cache[_FILE] = (len(code), None, lines, _FILE)
