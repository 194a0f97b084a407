"""What a supervisor wants done: small values, in order, for the driver that does the I/O.

A driver performs each and reports back with the method named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bridgekit.policy.lifecycle import StateChange

if TYPE_CHECKING:
    from bridgekit.policy.pooling import Worker
    from bridgekit.policy.queueing import Ticket
    from bridgekit.policy.seats import Seat

__all__ = [
    "Action",
    "Kill",
    "NeedProcess",
    "Pause",
    "Ping",
    "Reject",
    "ReleaseProcess",
    "Resume",
    "Send",
    "Spawn",
    "Stop",
]


class NeedProcess(NamedTuple):
    """Ask the manager's budget for one process; report ``granted``, or ``denied``.

    An ``optional`` one is granted only when there is room right now and nobody waits; else
    report ``denied`` at once.
    """

    seat: Seat
    optional: bool


class ReleaseProcess(NamedTuple):
    """Give the process of this seat back to the budget, or stop waiting for one."""

    seat: Seat


class Spawn(NamedTuple):
    """Start a process for this worker; report ``ready`` or ``exited``."""

    worker: Worker


class Stop(NamedTuple):
    """Stop this worker's process with the whole ladder; report ``exited``."""

    worker: Worker
    reason: str


class Kill(NamedTuple):
    """Kill this worker's process group at once; report ``exited``."""

    worker: Worker
    reason: str


class Pause(NamedTuple):
    """Pause this worker's process."""

    worker: Worker


class Resume(NamedTuple):
    """Resume this worker's process."""

    worker: Worker


class Ping(NamedTuple):
    """Ask on the control lane; report ``pong`` when the answer comes."""

    worker: Worker


class Send(NamedTuple):
    """Send this waiting call to this worker; its place is taken. Report ``pool.done``."""

    worker: Worker
    ticket: Ticket


class Reject(NamedTuple):
    """This waiting call has ended in this error."""

    ticket: Ticket
    error: Exception


Action: TypeAlias = (
    "NeedProcess | ReleaseProcess | Spawn | Stop | Kill | Pause | Resume | Ping | Send | Reject"
    " | StateChange"
)
