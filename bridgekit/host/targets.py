"""What a caller means by a backend: a file, a class in a file or module, or a command.

Everything that can be checked without starting a process is checked here, so that a wrong name
fails at once, says where it was looked for and suggests what to do.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from typing import Literal

import attrs

from bridgekit.errors import BackendStartError

__all__ = ["Target", "TargetLike", "resolve_target"]

TargetLike = str | os.PathLike[str] | Sequence[str]

_SCRIPT = re.compile(r"(?P<path>.+\.pyw?)(?::(?P<cls>[A-Za-z_]\w*))?", re.IGNORECASE | re.DOTALL)
_MODULE = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<cls>[A-Za-z_]\w*)")


@attrs.frozen
class Target:
    """A backend that can be started.

    ``kind`` is ``"script"`` (a Python file), ``"module"`` (a class in an importable module) or
    ``"command"`` (an executable with its arguments). ``name`` is what to call the backend when
    nobody gave it a name, ``argv`` the words that name it on a command line, ``path`` the real
    path of the file, where there is one.
    """

    kind: Literal["script", "module", "command"]
    name: str
    argv: tuple[str, ...]
    path: str | None = None


def resolve_target(
    target: TargetLike,
    *,
    cwd: str | os.PathLike[str] | None = None,
    roots: Iterable[str | os.PathLike[str]] = (),
    search_path: str | None = None,
) -> Target:
    """Find out what ``target`` names.

    ``"counter.py"``, ``"counter.py:Counter"``, ``"package.module:Counter"``, an executable (a
    path, or a command on ``search_path``, default ``PATH``), or a list of words that is run as
    it is. Relative paths start at ``cwd``. Where ``roots`` are given, the real path of the file
    must lie in one of them, and a module, whose file only the child can tell, is refused.
    Raises :class:`BackendStartError`.
    """
    base = os.path.abspath(os.fspath(cwd) if cwd is not None else os.curdir)
    allowed = tuple(roots)
    if isinstance(target, str | os.PathLike):
        words: tuple[str, ...] = (os.fspath(target),)
        _check_words(words)
        resolved = _script(words[0], base) or _module(words[0], base)
    else:
        words = tuple(os.fspath(word) for word in target)
        _check_words(words)
        resolved = None
    if resolved is None:
        resolved = _command(words, base, search_path)
    _check_roots(resolved, allowed)
    return resolved


def _check_words(words: tuple[str, ...]) -> None:
    if not words or not words[0].strip():
        raise BackendStartError(
            "the target is empty; name a Python file, 'package.module:Class', plugin:NAME or an executable"
        )
    for word in words:
        if not isinstance(word, str):
            raise BackendStartError(f"the target's words must be strings, not {word!r}")
        if "\0" in word:
            raise BackendStartError(f"the target {word!r} contains a NUL character")


def _script(text: str, base: str) -> Target | None:
    match = _SCRIPT.fullmatch(text)
    if match is None:
        return None
    path = _existing_file(match["path"], base, "backend file")
    if not os.access(path, os.R_OK):
        raise BackendStartError(f"the backend file {path!r} cannot be read: permission denied")
    word = path if match["cls"] is None else f"{path}:{match['cls']}"
    return Target("script", os.path.splitext(os.path.basename(path))[0], (word,), path)


def _module(text: str, base: str) -> Target | None:
    match = _MODULE.fullmatch(text)
    if match is None or os.path.exists(os.path.join(base, text)):
        return None
    return Target("module", match["cls"], (text,))


def _command(words: tuple[str, ...], base: str, search_path: str | None) -> Target:
    command = os.path.expanduser(words[0])
    if os.path.dirname(command) or os.path.isfile(os.path.join(base, command)):
        path = _existing_file(command, base, "executable")
    else:
        found = shutil.which(command, path=search_path)
        if found is None:
            if os.path.isdir(os.path.join(base, command)):
                _existing_file(command, base, "target")
            raise BackendStartError(_no_such_command(words[0], base, search_path))
        path = os.path.abspath(found)
    if not os.access(path, os.X_OK):
        raise BackendStartError(
            f"{path!r} is not executable; make it so with chmod +x, name its interpreter as"
            " the first word of a list, or give a Python backend the ending .py"
        )
    name = os.path.splitext(os.path.basename(path))[0]
    return Target("command", name, (path, *words[1:]), os.path.realpath(path))


def _existing_file(text: str, base: str, what: str) -> str:
    """The absolute path of ``text``; for a Python file with every symbolic link resolved."""
    path = os.path.join(base, os.path.expanduser(text))
    if os.path.isdir(path):
        raise BackendStartError(f"the {what} {path!r} is a directory")
    if not os.path.exists(path):
        hint = _similar(path)
        where = os.path.dirname(os.path.abspath(path))
        raise BackendStartError(f"the {what} {text!r} does not exist (looked in {where}){hint}")
    # An executable keeps its own name: busybox and virtual environments go by it.
    return os.path.realpath(path) if what == "backend file" else os.path.abspath(path)


def _similar(path: str) -> str:
    import difflib

    try:
        names = os.listdir(os.path.dirname(os.path.abspath(path)))
    except OSError:
        return "; that directory does not exist or cannot be read"
    close = difflib.get_close_matches(os.path.basename(path), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _no_such_command(command: str, base: str, search_path: str | None) -> str:
    searched = search_path if search_path is not None else os.environ.get("PATH", "")
    return (
        f"there is no file {command!r} in {base} and no such command on PATH ({searched});"
        " name a Python file (ending in .py), 'package.module:Class', plugin:NAME or an executable"
    )


def _check_roots(target: Target, roots: tuple[str | os.PathLike[str], ...]) -> None:
    if not roots:
        return
    real_roots = [os.path.realpath(root) for root in roots]
    listed = ", ".join(real_roots)
    if target.path is None:
        raise BackendStartError(
            f"the backend {target.argv[0]!r} is a module, and backends are confined to files"
            f" under {listed}; name its file instead"
        )
    real = os.path.realpath(target.path)
    if any(_inside(root, real) for root in real_roots):
        return
    raise BackendStartError(f"the backend {real!r} is outside the allowed directories: {listed}")


def _inside(root: str, path: str) -> bool:
    try:
        return os.path.commonpath([root, path]) == root
    except ValueError:  # different drives
        return False
