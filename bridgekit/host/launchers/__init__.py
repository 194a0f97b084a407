"""Starting backend processes: one module for each way, found by name.

A launcher is a module of this package with ``launch(plan) -> ChildProcess``. ``plan_launch``
turns what a caller asked for into a :class:`LaunchPlan` without starting anything, so whatever
can be wrong with names and paths is reported before a process exists.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import attrs

import bridgekit
from bridgekit.errors import BackendStartError
from bridgekit.host.environment import child_environment
from bridgekit.host.interpreters import Interpreter, find_python
from bridgekit.host.launchers.child import ChildProcess
from bridgekit.host.redaction import learn
from bridgekit.host.scripts import inline_metadata, script_python
from bridgekit.host.targets import Target, TargetLike, resolve_target
from bridgekit.policy.limits import ResourceLimits
from bridgekit.policy.spec import MAX_FRAME

__all__ = [
    "ChildProcess",
    "LaunchPlan",
    "Launcher",
    "get_launcher",
    "launch",
    "plan_launch",
]

BACKEND_MAIN = os.path.join(
    os.path.dirname(os.path.abspath(bridgekit.__file__)), "backend", "__main__.py"
)
"""The script that runs Python targets. A path, not ``-m``: runpy costs milliseconds, and the
child's interpreter need not have bridgekit installed."""


@attrs.frozen
class LaunchPlan:
    """Everything about a child process before it exists.

    ``name`` is for messages and logs; ``argv`` is the whole command line, without a shell;
    ``env`` the whole environment; ``cwd`` None for the host's own; ``python`` the interpreter
    of a Python target; ``limits`` what it may use up.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = attrs.field(repr=False)
    cwd: str | None
    target: Target
    python: Interpreter | None = None
    limits: ResourceLimits = attrs.field(factory=ResourceLimits)


class Launcher(Protocol):
    """The shape of a launcher module."""

    def launch(self, plan: LaunchPlan) -> ChildProcess:
        """Start the process; raise BackendStartError when the system refuses."""


def plan_launch(
    target: TargetLike,
    *,
    name: str | None = None,
    args: Sequence[str] = (),
    python: str | os.PathLike[str] | None = None,
    env: Mapping[str, str | None] | None = None,
    inherit: Iterable[str] = (),
    cwd: str | os.PathLike[str] | None = None,
    roots: Iterable[str | os.PathLike[str]] = (),
    wire: str = "native",
    max_frame: int = MAX_FRAME,
) -> LaunchPlan:
    """Decide how to start ``target``; raise :class:`BackendStartError` when it cannot work.

    ``inherit`` names variables of this process's environment beyond the usual ones; ``env`` is
    set on top of them; ``roots`` confines the target to directories. ``wire`` and ``max_frame``
    are told to the process through its environment. Blocks while uv installs,
    for a script with inline metadata that was not prepared before.
    """
    directory = _directory(cwd)
    found = resolve_target(target, cwd=directory, roots=roots)
    extra = {**(env or {}), "BRIDGEKIT_WIRE": wire, "BRIDGEKIT_MAX_FRAME": str(max_frame)}
    words = (*found.argv, *(os.fspath(arg) for arg in args))
    if found.kind == "command":
        if python is not None:
            raise BackendStartError(
                f"python={os.fspath(python)!r} was given, but the target {found.argv[0]!r} is a"
                " command, not a Python file or class; put the interpreter first in the list"
            )
        environment = child_environment(extra, inherit=inherit)
        learn(environment, words)
        return LaunchPlan(name or found.name, words, environment, directory, found)
    interpreter = _interpreter(found, python)
    environment = child_environment(extra, inherit=inherit, same_python=interpreter.is_host)
    argv = (interpreter.path, BACKEND_MAIN, *words)
    learn(environment, words)
    return LaunchPlan(name or found.name, argv, environment, directory, found, interpreter)


def _interpreter(target: Target, python: str | os.PathLike[str] | None) -> Interpreter:
    if python is None and target.kind == "script" and inline_metadata(target.path or ""):
        return script_python(target.path or "")
    return find_python(python, beside=target.path)


def get_launcher(name: str = "auto") -> Launcher:
    """Import the launcher of that name; ``"auto"`` is the one for this operating system."""
    module = {"nt": "windows"}.get(os.name, "posix") if name == "auto" else name
    return cast("Launcher", importlib.import_module(f"{__name__}.{module}"))


def launch(plan: LaunchPlan, launcher: str = "auto") -> ChildProcess:
    """Start the process. Takes about a millisecond; the child has then been executed."""
    return get_launcher(launcher).launch(plan)


def _directory(cwd: str | os.PathLike[str] | None) -> str | None:
    if cwd is None:
        return None
    directory = os.path.abspath(os.path.expanduser(os.fspath(cwd)))
    if not os.path.isdir(directory):
        what = "is not a directory" if os.path.exists(directory) else "does not exist"
        raise BackendStartError(f"the working directory {directory!r} {what}")
    return directory
