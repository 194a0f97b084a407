"""Scripts that name their packages themselves (PEP 723), and the environments uv makes for them.

uv is asked for the environment only: the child is then the script's own interpreter, started
like any other, without uv as a process in between. Nothing is asked twice while a script stays
as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from typing import Any

from bridgekit.errors import BackendStartError
from bridgekit.host.interpreters import Interpreter

__all__ = ["inline_metadata", "is_prepared", "script_python", "unprepared_script"]

_BLOCK = re.compile(
    r"^# /// script[ \t]*\n(?P<content>(?:^#(?:| .*)\n)+?)^# ///[ \t]*$", re.MULTILINE
)
"""As the specification has it, for the type ``script``:
https://packaging.python.org/en/latest/specifications/inline-script-metadata/"""

_MOST_BYTES = 1024 * 1024
_INSTALL_TIMEOUT = 600.0
"""Seconds for uv, which may have to download a Python and packages."""

_Key = tuple[str, int, int]
_known: dict[_Key, Interpreter] = {}
_silent: set[_Key] = set()
"""The script that was looked at last, if it says nothing: each start asks more than once."""


def inline_metadata(path: str) -> dict[str, Any] | None:
    """Return what a script says of itself; None where it says nothing that matters here.

    Raises BackendStartError for metadata that is no TOML.
    """
    try:
        status = os.stat(path)
        key = path, status.st_mtime_ns, status.st_size
        if key in _silent:
            return None
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES)
    except OSError:
        return None  # whoever starts it will say so
    if b"# /// script" not in data:
        _silent.clear()
        _silent.add(key)
        return None
    match = _BLOCK.search(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    if match is None:
        return None
    lines = match["content"].splitlines()
    try:
        found = tomllib.loads("\n".join(line[2:] for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise BackendStartError(f"the inline metadata of {path} is no TOML: {error}") from error
    return found if found.get("dependencies") or found.get("requires-python") else None


def unprepared_script(target: object, python: str | None, cwd: str | None) -> str | None:
    """Return the script for which planning a launch of ``target`` would wait for uv, or None."""
    if python is not None or not isinstance(target, str):
        return None
    name, _, cls = target.rpartition(":")
    path = os.path.join(
        cwd or "", os.path.expanduser(name if cls.isidentifier() and name else target)
    )
    if not path.lower().endswith((".py", ".pyw")) or not os.path.isfile(path):
        return None
    path = os.path.realpath(path)
    return None if inline_metadata(path) is None or is_prepared(path) else path


def is_prepared(path: str) -> bool:
    """Whether :func:`script_python` would answer at once."""
    return (known := _known.get(_key(path))) is not None and os.path.exists(known.path)


def script_python(path: str) -> Interpreter:
    """Return the interpreter of the environment that uv keeps for the script, brought up to date.

    Blocks while uv downloads and installs, the first time. Raises BackendStartError where uv is
    missing, or with what it said.
    """
    if is_prepared(path):
        return _known[_key(path)]
    uv = shutil.which("uv")
    if uv is None:
        raise BackendStartError(
            f"the script {path} names the packages it needs in its inline metadata, for which the "
            "program 'uv' is needed, and that is not on PATH; install it (python -m pip install "
            "uv), or name an interpreter that has the packages with python=..."
        )
    _ask(uv, path, "sync", "--script", path)
    python = _ask(uv, path, "python", "find", "--script", path).strip()
    found = Interpreter(python, "the script's inline metadata, by way of uv")
    _known[_key(path)] = found
    return found


def _key(path: str) -> _Key:
    status = os.stat(path)
    return os.path.realpath(path), status.st_mtime_ns, status.st_size


def _ask(uv: str, script: str, *words: str) -> str:
    try:
        done = subprocess.run(
            [uv, *words],
            cwd=os.path.dirname(script) or None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_INSTALL_TIMEOUT,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()[-4000:]
        raise BackendStartError(
            f"uv made no environment for the script {script} ({uv} {' '.join(words)}):\n{said}",
            exit_code=error.returncode,
            stderr=error.stderr,
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendStartError(
            f"uv made no environment for the script {script}: {error}"
        ) from error
    return done.stdout
