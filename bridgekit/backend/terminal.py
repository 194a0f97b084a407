"""What a backend file says to a person who runs it at a terminal, instead of hanging there.

``python counter.py`` explains itself; ``python counter.py add a=1 b=2`` makes one call.
"""

from __future__ import annotations

import sys

from bridgekit.backend.describe import documentation, signature_text
from bridgekit.backend.invoke import ASYNC_GENERATOR, COROUTINE, GENERATOR, invoke
from bridgekit.errors import BridgeError, InvalidParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.backend.bridge import PythonBridge
    from bridgekit.backend.dispatch import Method

__all__ = ["explain"]


def explain(bridge: PythonBridge, methods: dict[str, Method], argv: list[str]) -> int:
    """Answer a person; return the exit status."""
    if len(argv) > 1 and argv[1] in methods:
        return _call(bridge, methods[argv[1]], argv[2:])
    _say("\n".join(_explanation(bridge, methods, argv[0])))
    if len(argv) > 1 and argv[1] not in ("-h", "--help", "help"):
        sys.stderr.write(f"\nThere is no method {argv[1]!r}.\n")
        return 2
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _explanation(bridge: PythonBridge, methods: dict[str, Method], file: str) -> list[str]:
    name = type(bridge).__name__
    text = documentation(type(bridge))
    lines = [f"{name} is a bridgekit backend: a program that another program starts and calls."]
    if text:
        lines += ["", *text.splitlines()]
    lines += ["", "Methods:" if methods else "It has no methods yet."]
    for _, method in sorted(methods.items()):
        lines.append(f"  {signature_text(method)}")
        summary = documentation(method.raw).split("\n", 1)[0]
        if summary:
            lines.append(f"      {summary}")
    example = _example(methods)
    lines += [
        "",
        "Call it from here:",
        f"  bridgekit call {_quoted(file)} {example}",
        f"  python {_quoted(file)} {example}",
        "From Python:",
        "  async with ProcessManager() as manager:",
        f"      backend = await manager.spawn({file!r})",
    ]
    return lines


def _quoted(file: str) -> str:
    """Return ``file`` as it is typed in a shell."""
    if sys.platform == "win32":
        return f'"{file}"' if " " in file else file
    import shlex

    return shlex.quote(file)


def _example(methods: dict[str, Method]) -> str:
    for _, method in sorted(methods.items()):
        names = [each.name for each in method.signature.parameters]
        return " ".join([method.name, *(f"{name}=..." for name in names[:3])])
    return "METHOD"


def _call(bridge: PythonBridge, method: Method, words: list[str]) -> int:
    """Make one call and print its result as JSON."""
    import json

    from bridgekit.wire.plain import default

    def show(value: Any) -> None:
        _say(json.dumps(value, default=default, ensure_ascii=False, indent=2))

    params: Any = None
    events = _Events()
    try:
        params = _params(words)
        events.complete(bridge.on_start())
        try:
            _show(method, params, events, show)
        finally:
            events.complete(bridge.on_stop())
    except TypeError as error:
        from bridgekit.backend.binding import explain_type_error
        from bridgekit.backend.invoke import raised_by_call

        found = explain_type_error(method, params) if raised_by_call(error) else None
        if found is None and not isinstance(error, InvalidParams):
            return _raised(error)
        sys.stderr.write(f"{found or error}\n")
        return 2
    except BridgeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Exception as error:
        return _raised(error)
    finally:
        events.close()
    return 0


def _raised(error: Exception) -> int:
    """Show an error of the author's as Python does, without our frames; return the exit status."""
    from bridgekit.backend.failures import format_traceback

    sys.stderr.write(format_traceback(error))
    return 1


def _params(words: list[str]) -> Any:
    """``a=1 b=text`` or one JSON text."""
    import json

    if len(words) == 1 and words[0][:1] in "[{":
        try:
            return json.loads(words[0])
        except ValueError as error:
            raise BridgeError(f"{words[0]!r} is no JSON: {error}") from None
    params = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.isidentifier():
            raise BridgeError(f"{word!r} is not of the form name=value")
        try:
            params[key] = json.loads(text)
        except ValueError:
            params[key] = text
    return params


def _show(method: Method, params: Any, events: _Events, show: Callable[[Any], None]) -> None:
    """Show the result, or the items of a stream as they come."""
    result = invoke(method, params)
    if result.__class__ is GENERATOR:
        for item in result:
            show(item)
    elif result.__class__ is ASYNC_GENERATOR:

        async def show_all() -> None:
            async for item in result:
                show(item)

        events.complete(show_all())
    else:
        show(events.complete(result))


class _Events:
    """One event loop for the hooks and the method, made when the first of them is async."""

    def __init__(self) -> None:
        self._loop: Any = None

    def complete(self, result: Any) -> Any:
        """Return the result, waited for if it is a coroutine's."""
        if result.__class__ is not COROUTINE:
            return result
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(result)

    def close(self) -> None:
        """End what still runs on it."""
        loop = self._loop
        if loop is None:
            return
        import asyncio

        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
