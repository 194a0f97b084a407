"""Why a backend did not start, told so that the reader knows what to do next.

A start can fail in many ways that look alike from outside (the process is gone, or silent).
What the child last said on stderr, how it ended and which interpreter ran it usually tell them
apart; the hints here are guesses and say so by naming what they rest on.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

from bridgekit.errors import BackendStartError
from bridgekit.host.redaction import hide
from bridgekit.wire.missing import missing_package

if TYPE_CHECKING:
    from bridgekit.host.launchers import ChildProcess, LaunchPlan

__all__ = ["SILENT", "explain_start_failure", "start_hint"]

SILENT = "it did not answer within"
"""How ``why`` begins when a child was given up, and killed, at the end of its start timeout."""

_NO_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([^']+)'", re.MULTILINE)
_OLD = re.compile(
    r'File "[^"\n]*[\\/]bridgekit[\\/](?:__init__|_version|errors|data|wire|backend)\b[^"\n]*"[^\n]*\n'
    r"(?:(?!\s*File )[^\n]*\n)*?\s*(?:SyntaxError: |AttributeError: 'sys\.flags')"
)
"""Our own files do not even load there."""
_SYNTAX = re.compile(r"^(?:SyntaxError|IndentationError|TabError): ", re.MULTILINE)


def explain_start_failure(
    plan: LaunchPlan, child: ChildProcess | None, stderr: str, why: str
) -> BackendStartError:
    """Build the error for a failed start.

    ``why`` completes the sentence "backend 'x' did not start: ..."; the exit, a hint and the
    end of stderr are added. Collect the child's status (``child.poll()``) and drain its stderr
    first.
    """
    code = child.returncode if child is not None and child.ended else None
    # A child that was silent for too long has been killed by its host: that is no hint.
    gone = child is not None and child.ended and not why.startswith(SILENT)
    lines = [f"backend {plan.name!r} did not start: {why}"]
    hint = start_hint(plan, code, stderr, gone=gone)
    if hint:
        lines.append(f"hint: {hint}")
    lines.append(f"command: {' '.join(plan.argv)}")
    text = stderr.rstrip()
    lines.append(f"stderr ends with:\n{_indent(text)}" if text else "it wrote nothing to stderr")
    error = BackendStartError(
        hide("\n".join(lines)),
        backend=plan.name,
        pid=None if child is None else child.pid,
        exit_code=code,
        stderr=hide(stderr),
    )
    error.timed_out = why.startswith(SILENT)
    return error


def start_hint(plan: LaunchPlan, code: int | None, stderr: str, *, gone: bool) -> str | None:
    """Guess what to do from how the child ended and what it said; None without a good guess."""
    interpreter = plan.python.path if plan.python is not None else plan.argv[0]
    missing = _NO_MODULE.findall(stderr)
    if missing:
        return _lacks(plan, missing[-1], interpreter)
    if _OLD.search(stderr):
        return f"{interpreter} is too old: backends need CPython 3.9; name another with python=..."
    if _SYNTAX.search(stderr):
        return f"the file has a syntax error, or is written for a newer Python than {interpreter}"
    if not gone:
        return (
            "it ran but did not announce itself: it may be slow to import"
            " (raise start_timeout), may wait for something, or may not be a bridgekit backend"
        )
    if code == 0:
        return (
            "it ended in good order without serving: a script must define a PythonBridge"
            " subclass and must not call sys.exit() while it is loaded"
        )
    if code == -signal.SIGSEGV:
        return (
            "native code crashed while the backend was loading (PYTHONFAULTHANDLER=1 shows where)"
        )
    if code is not None and code == -getattr(signal, "SIGKILL", 9):
        return "something killed it: an operator, a container's memory limit, the OOM killer"
    return None


def _lacks(plan: LaunchPlan, module: str, interpreter: str) -> str:
    target = plan.target
    if target.kind == "module" and _leads_to(module, target.argv[0]):
        folder = plan.cwd or os.getcwd()
        return (
            f"there is no module {module!r} in the working directory ({folder}) nor among the "
            f"packages of {interpreter}; name its file, or the directory with cwd=..."
        )
    needed = missing_package(module, interpreter, standard=sys.stdlib_module_names)
    return f"it needs {needed}, or name another interpreter with python=..."


def _leads_to(module: str, target: str) -> bool:
    """Whether ``module`` is the target's own, or a package around it."""
    return f"{target.partition(':')[0]}.".startswith(f"{module}.")


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
