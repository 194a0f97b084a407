"""Which Python runs a backend.

Looked for in this order: what the caller names; a ``.venv`` beside the backend's file; the
virtual environment that this host runs in; the one that is activated (``VIRTUAL_ENV``); this
host's own interpreter; ``PATH``; on Windows the ``py`` launcher. A frozen host application
(PyInstaller and its kind) is not an interpreter, although ``sys.executable`` names it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import attrs

from bridgekit.errors import BackendStartError

__all__ = [
    "MINIMUM_VERSION",
    "Interpreter",
    "find_python",
    "has_python",
    "host_python",
    "python_version",
]

MINIMUM_VERSION = (3, 9)
"""The oldest CPython that a backend can run on."""

_ASK = "import sys; sys.stdout.write('%d.%d.%d' % sys.version_info[:3])"
_ASK_TIMEOUT = 15.0


@attrs.frozen
class Interpreter:
    """A Python executable: its ``path`` and the ``source`` that named it, for messages."""

    path: str
    source: str

    @property
    def is_host(self) -> bool:
        """Whether it is the interpreter that runs this process (the same file, same prefix)."""
        return self.path == host_python()


def host_python() -> str | None:
    """Path of the interpreter that runs this process; None in a frozen or embedding program."""
    executable = sys.executable
    if not executable or getattr(sys, "frozen", False) or "__compiled__" in globals():
        return None
    stem = os.path.basename(executable).lower().removesuffix(".exe")
    return executable if stem.startswith(("python", "pypy", "graalpy")) else None


def find_python(
    explicit: str | os.PathLike[str] | None = None,
    *,
    beside: str | os.PathLike[str] | None = None,
    active_first: bool = False,
) -> Interpreter:
    """Find the interpreter for a backend.

    ``explicit`` may be an executable, the directory of a virtual environment, or a command on
    ``PATH`` such as ``"python3.12"``. ``beside`` is the backend's file. ``active_first`` puts
    ``VIRTUAL_ENV`` before the host's own environment, as a tool that is installed in an
    environment of its own wants it. No process is started. Raises :class:`BackendStartError`
    that names every place looked at.
    """
    if explicit is not None:
        return _explicit(os.fspath(explicit))
    places: list[tuple[str, Callable[[], str | None]]] = [
        (".venv beside the backend", lambda: _beside(beside)),
        ("the host's virtual environment", _host_environment),
        ("VIRTUAL_ENV", lambda: _in_environment(os.environ.get("VIRTUAL_ENV"))),
        ("the host's own interpreter", host_python),
        ("PATH", _on_path),
    ]
    if sys.platform == "win32":
        places.append(("the py launcher", _py_launcher))
    if active_first:
        places[1], places[2] = places[2], places[1]
    for source, look in places:
        path = look()
        if path is not None:
            return Interpreter(path, source)
    looked = ", ".join(source for source, _ in places)
    raise BackendStartError(
        f"no Python interpreter found (looked at: {looked}); install Python"
        f" {'.'.join(map(str, MINIMUM_VERSION))} or newer, or name one with python=..."
    )


def python_version(python: str | os.PathLike[str] | None = None) -> str | None:
    """Return the version of an interpreter, such as ``"3.11.7"``; None when there is none.

    ``python`` is an executable, the directory of a virtual environment, or a command on ``PATH``;
    without it the answer is for the interpreter that backends run on by default. Asking about
    another one than the host's own starts it once (some 20 ms).
    """
    try:
        found = find_python(python)
    except BackendStartError:
        return None
    if found.is_host:
        return ".".join(map(str, sys.version_info[:3]))
    try:
        answer = subprocess.run(
            [found.path, "-I", "-S", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    text = answer.stdout.decode("ascii", "replace").strip()
    return text if _parse(text) else None


def has_python(python: str | os.PathLike[str] | None = None) -> bool:
    """Whether there is an interpreter that works and is new enough (3.9) to run a backend.

    ``python`` is as for :func:`python_version`.
    """
    version = python_version(python)
    return version is not None and _parse(version) >= MINIMUM_VERSION


def _parse(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if len(parts) == 3 and all(map(str.isdigit, parts)) else ()


def _explicit(wanted: str) -> Interpreter:
    source = "python=..."
    expanded = os.path.expanduser(wanted)
    if os.path.isdir(expanded):
        inside = _in_environment(expanded)
        if inside is not None:
            return Interpreter(inside, source)
        raise BackendStartError(
            f"there is no Python interpreter in the directory {wanted!r}"
            f" (looked for {', '.join(_environment_paths(expanded))});"
            " name a virtual environment or the interpreter itself"
        )
    if os.path.dirname(expanded):
        path = os.path.abspath(expanded)
        if not os.path.exists(path):
            raise BackendStartError(f"the Python interpreter {path!r} does not exist")
        if not os.access(path, os.X_OK):
            raise BackendStartError(f"the Python interpreter {path!r} is not executable")
        return Interpreter(path, source)
    found = shutil.which(expanded)
    if found is None:
        raise BackendStartError(
            f"there is no command {wanted!r} on PATH ({os.environ.get('PATH', '')});"
            " give the interpreter's full path"
        )
    return Interpreter(os.path.abspath(found), source)


def _environment_paths(directory: str) -> Iterator[str]:
    names = (
        ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python3", "bin/python")
    )
    for name in names:
        yield os.path.join(directory, *name.split("/"))


def _in_environment(directory: str | None) -> str | None:
    if not directory:
        return None
    return next((p for p in _environment_paths(directory) if os.access(p, os.X_OK)), None)


def _beside(target: str | os.PathLike[str] | None) -> str | None:
    if target is None:
        return None
    return _in_environment(os.path.join(os.path.dirname(os.path.abspath(target)), ".venv"))


def _host_environment() -> str | None:
    return host_python() if sys.prefix != sys.base_prefix else None


def _on_path() -> str | None:
    for name in ("python3", "python"):
        found = shutil.which(name)
        # Windows puts a stub there that opens the shop instead of running Python.
        if found is not None and "WindowsApps" not in found:
            return os.path.abspath(found)
    return None


def _py_launcher() -> str | None:
    launcher = shutil.which("py")
    if launcher is None:
        return None
    try:
        answer = subprocess.run(
            [launcher, "-3", "-c", "import sys; print(sys.executable)"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    path = answer.stdout.decode("utf-8", "replace").strip()
    return path if path and os.path.exists(path) else None
