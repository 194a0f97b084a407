"""Starts a child on Linux, macOS and other POSIX systems.

``subprocess`` does the fork: nothing here needs Python code between fork and exec, so it takes
the ``vfork`` path. The child leads a session and a process group of its own (a Ctrl-C at the
host's terminal is the host's business), inherits its three pipes and its lifeline and nothing
else, and is never run through a shell.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from bridgekit.errors import BackendStartError
from bridgekit.host import lifeline
from bridgekit.host.launchers.child import ChildProcess
from bridgekit.host.launchers.limiting import LimitRefused, apply_limits

if TYPE_CHECKING:
    from bridgekit.host.launchers import LaunchPlan

__all__ = ["launch"]


def launch(plan: LaunchPlan) -> ChildProcess:
    """Start the process; raise :class:`BackendStartError` when the system refuses."""
    opened: list[int] = []
    with lifeline.spawning:
        try:
            theirs, ours = _open_pipes(opened)
            *stdio, life = theirs
            process = subprocess.Popen(
                plan.argv,
                stdin=stdio[0],
                stdout=stdio[1],
                stderr=stdio[2],
                env={**plan.env, "BRIDGEKIT_LIFELINE": str(life)},
                cwd=plan.cwd,
                pass_fds=(life,),
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            _close_all(opened)
            raise _refused(plan, error) from error
        except BaseException:
            _close_all(opened)
            raise
        lifeline.arm(life, process.pid)
        _close_all(theirs)
        child = ChildProcess(plan, process, (ours[0], ours[1], ours[2]), ours[3])
    if not plan.limits.none:
        _limit(child, plan)
    return child


def _limit(child: ChildProcess, plan: LaunchPlan) -> None:
    try:
        apply_limits(child.pid, plan.limits)
    except LimitRefused as error:
        child.close()
        raise _refused(plan, error) from error


def _open_pipes(opened: list[int]) -> tuple[list[int], list[int]]:
    """Open stdin, stdout, stderr and the lifeline: (the child's ends, the host's ends)."""
    if sys.platform == "win32":
        raise NotImplementedError
    theirs, ours = [], []
    for child_reads in (True, False, False, True):
        reader, writer = os.pipe()
        opened += (reader, writer)
        theirs.append(reader if child_reads else writer)
        ours.append(writer if child_reads else reader)
    for descriptor in ours[:3]:
        os.set_blocking(descriptor, False)
    return theirs, ours


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


_REASONS = {
    errno.ENOEXEC: "the system cannot execute that file: it is neither a program nor a script"
    " that starts with '#!'",
    errno.EACCES: "permission denied (is it executable, and on a file system that allows it?)",
    errno.EMFILE: "this process has too many open files (see 'ulimit -n')",
    errno.ENFILE: "the system has too many open files",
    errno.EAGAIN: "the system refuses more processes (see 'ulimit -u')",
    errno.ENOMEM: "out of memory",
    errno.E2BIG: "its arguments or environment are too long",
}


def _refused(plan: LaunchPlan, error: Exception) -> BackendStartError:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        reason = _missing(plan)
    else:
        reason = _REASONS.get(number or 0) or str(error)
    return BackendStartError(
        f"backend {plan.name!r} could not be started: {plan.argv[0]}: {reason}",
        backend=plan.name,
    )


def _missing(plan: LaunchPlan) -> str:
    if plan.cwd is not None and not os.path.isdir(plan.cwd):
        return f"its working directory {plan.cwd!r} does not exist"
    if not os.path.exists(plan.argv[0]):
        return "no such file"
    return "the interpreter named in its first line ('#!') does not exist"
