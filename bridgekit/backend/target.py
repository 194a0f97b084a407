"""Finds and runs what a host names: ``file.py``, ``file.py:Class`` or ``pkg.mod:Class``."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Optional

__all__ = ["main"]

_USAGE = "usage: python -m bridgekit.backend FILE.py | FILE.py:CLASS | PACKAGE.MODULE:CLASS [args]"


def main(argv: list[str]) -> None:
    """Run the target in ``argv[1]`` with the rest as its own arguments."""
    if len(argv) < 2:
        _fail(_USAGE, 2)
    target, class_name = _split(argv[1])
    sys.argv = argv[1:]
    if target.endswith((".py", ".pyw")):
        path = os.path.abspath(target)
        sys.argv[0] = target
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
        module = _run_file(path, "__main__" if class_name is None else _stem(path))
    else:
        sys.path.insert(0, os.getcwd())
        _claim()
        _collect_garbage()
        module = _import(target)
    from bridgekit.backend.runner import ran

    if not ran():
        _find(module, class_name, argv[1])().run()


def _split(text: str) -> tuple[str, Optional[str]]:
    head, colon, tail = text.rpartition(":")
    if colon and tail.isidentifier() and head:
        return head, tail
    return text, None


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _claim() -> None:
    from bridgekit.backend.runner import prepare

    if "BRIDGEKIT_LIFELINE" in os.environ or not os.isatty(0):
        prepare()


def _collect_garbage() -> None:
    """From here on it is the author's code that runs; what is loaded now stays for good.

    Without that the collector would look at it all a dozen times before the first reply.
    """
    gc.freeze()
    gc.enable()


def _run_file(path: str, name: str) -> Any:
    """Run a file's code as the module ``name``."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        _fail(f"bridgekit: cannot read {path}: {error.strerror}", 2)
    _claim()
    from bridgekit.backend.compiling import code_of

    _collect_garbage()
    module = type(sys)(name)
    module.__file__ = path
    module.__dict__["__builtins__"] = __builtins__
    module.__dict__["__cached__"] = None
    sys.modules[name] = module
    try:
        exec(code_of(source, path), module.__dict__)  # noqa: S102
    except Exception as error:
        _report(error)
    return module


def _import(name: str) -> Any:
    try:
        __import__(name)
    except Exception as error:
        _report(error)
    return sys.modules[name]


def _report(error: Exception) -> NoReturn:
    """Print the author's error without the frames that led to the author's code."""
    from bridgekit.backend.compiling import code_of

    ours = (__file__, code_of.__code__.co_filename)
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    raise SystemExit(1)


def _find(module: Any, class_name: Optional[str], target: str) -> Any:
    """The backend class that is meant."""
    from bridgekit.backend.bridge import PythonBridge

    if class_name is not None:
        found = getattr(module, class_name, None)
        if isinstance(found, type) and issubclass(found, PythonBridge):
            return found
        what = "is no PythonBridge" if found is not None else "does not exist"
        _fail(f"bridgekit: {target}: the class {class_name} {what}{_choice(module)}", 2)
    classes = _classes(module)
    leaves = [each for each in classes if not any(each in other.__mro__[1:] for other in classes)]
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        _fail(f"bridgekit: {target} defines no subclass of PythonBridge and ran none", 2)
    names = ", ".join(each.__name__ for each in leaves)
    return _fail(
        f"bridgekit: {target} defines several backends ({names}); name one: {target}:CLASS", 2
    )


def _classes(module: Any) -> list[type]:
    from bridgekit.backend.bridge import PythonBridge

    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, PythonBridge)
        and value.__module__ == module.__name__
    ]


def _choice(module: Any) -> str:
    names = [each.__name__ for each in _classes(module)]
    return f"; there are: {', '.join(names)}" if names else ""


def _fail(text: str, status: int) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(status)
