"""How a backend is stopped, as data: what to do, in which order, and how long to wait after it.

Goodbye, end of file, SIGTERM to the group, SIGKILL to the group; each wait is bounded and is
over as soon as the process is gone. Nothing here acts or looks at a clock: each face of the
host walks the steps in its own way::

    for step in stop_steps(grace):
        if child.poll():
            break
        act(step.action)
        wait(for the process to end, or for the reply too if step.until == REPLY, step.wait)
    child.poll()
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["KILL_WAIT", "Step", "stop_steps"]

KILL_WAIT = 5.0
"""Seconds to wait after SIGKILL; only a process stuck inside the kernel needs longer."""

Action = Literal["wake", "goodbye", "eof", "terminate", "kill"]


class Step(NamedTuple):
    """Do ``action``, then wait at most ``wait`` seconds for ``until``.

    ``wake``: SIGCONT, so that a stopped process can hear the rest. ``goodbye``: send the
    ``shutdown`` command. ``eof``: close the wire towards the child. ``terminate`` and ``kill``:
    SIGTERM (with SIGCONT) and SIGKILL to the process group. ``until`` is ``"exit"``, or
    ``"reply"`` where the answer to the goodbye ends the wait as well.
    """

    action: Action
    wait: float
    until: Literal["exit", "reply"] = "exit"


def stop_steps(grace: float, *, polite: bool = True) -> tuple[Step, ...]:
    """Return the steps that stop a backend within ``grace`` seconds before it is killed.

    ``polite=False`` leaves the goodbye out: for a backend that never became ready, or whose
    wire is broken. A ``grace`` of 0 kills at once. The shutdown hooks of a backend run during
    the goodbye, so it gets most of the grace.
    """
    if grace <= 0:
        return (Step("kill", KILL_WAIT),)
    last = Step("kill", KILL_WAIT)
    if not polite:
        return (
            Step("wake", 0.0),
            Step("eof", grace * 0.4),
            Step("terminate", grace * 0.6),
            last,
        )
    return (
        Step("wake", 0.0),
        Step("goodbye", grace * 0.6, "reply"),
        Step("eof", grace * 0.2),
        Step("terminate", grace * 0.2),
        last,
    )
