"""Applies resource limits to a child that was just started, or says why it cannot.

From outside, by ``prlimit`` (Linux): nothing of ours runs between fork and exec, where it would
cost the fast path and could deadlock. A limit holds some microseconds after the program began,
long before an interpreter is up. ``rss`` is not the launcher's: the supervisor watches it.
"""

from __future__ import annotations

import os
import sys

from bridgekit.policy.limits import ResourceLimits

__all__ = ["LimitRefused", "apply_limits"]

_RLIMITS = {
    "address_space": "RLIMIT_AS",
    "cpu_seconds": "RLIMIT_CPU",
    "open_files": "RLIMIT_NOFILE",
    "core_size": "RLIMIT_CORE",
}


class LimitRefused(Exception):
    """The system does not let us set a limit; the text completes "could not be started: ..."."""


def apply_limits(pid: int, limits: ResourceLimits) -> None:
    """Limit the process ``pid``; raises LimitRefused."""
    for field, name in _RLIMITS.items():
        value = getattr(limits, field)
        if value is not None:
            _set_rlimit(pid, field, name, value)
    if limits.nice is not None:
        if sys.platform == "win32":
            raise LimitRefused(f"limits.nice={limits.nice} cannot be set on {sys.platform}")
        try:
            os.setpriority(os.PRIO_PROCESS, pid, limits.nice)
        except ProcessLookupError:
            return
        except OSError as error:
            raise LimitRefused(
                f"limits.nice={limits.nice} was refused ({error.strerror}); a value below the "
                "host's own needs privileges"
            ) from error


def _set_rlimit(pid: int, field: str, name: str, value: int) -> None:
    if sys.platform != "linux":
        raise LimitRefused(
            f"limits.{field}={value} can be set on Linux only, not on {sys.platform}"
        )
    import resource

    number = getattr(resource, name)
    # At the soft limit of processor time comes SIGXCPU, which can be caught; a second later the end.
    hard = value + 1 if field == "cpu_seconds" else value
    try:
        resource.prlimit(pid, number, (value, hard))
    except ProcessLookupError:  # it is gone already, which is told in its own way
        return
    except (OSError, ValueError) as error:
        _, most = resource.prlimit(pid, number)
        raise LimitRefused(
            f"limits.{field}={value} was refused: the host's own hard limit is {most} ({error})"
        ) from error
