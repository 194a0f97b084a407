"""What a backend's process may use up, as data; a launcher applies it or says why it cannot.

Each limit maps to what the platform offers: ``address_space``, ``cpu_seconds``, ``open_files``
and ``core_size`` to ``setrlimit``, ``nice`` to ``setpriority``. ``rss`` has no working rlimit on
Linux (``RLIMIT_RSS`` is ignored since 2.4.30): the supervisor looks and kills instead.
"""

from __future__ import annotations

import attrs

from bridgekit.policy.fields import optional, whole
from bridgekit.policy.suggest import names_its_fields

__all__ = ["ResourceLimits"]

_AS_IS = "as the host has it"
_MIB = 1 << 20


@names_its_fields
@attrs.frozen(kw_only=True)
class ResourceLimits:
    """Limits of each worker's process; None leaves one as the host has it.

    ``address_space`` and ``rss`` in bytes, ``cpu_seconds`` of processor time (the kernel sends
    SIGXCPU then), ``open_files`` in descriptors, ``core_size`` in bytes (0: no core dumps),
    ``nice`` from -20 to 19 (below 0 needs privileges). ``rss``, resident memory, is looked at once
    a second while calls run; a worker found beyond it is killed, and its calls fail with a
    BackendDied that says so.
    """

    address_space: int | None = attrs.field(
        default=None, validator=optional(whole(16 * _MIB, "bytes"), _AS_IS)
    )
    rss: int | None = attrs.field(default=None, validator=optional(whole(_MIB, "bytes"), _AS_IS))
    cpu_seconds: int | None = attrs.field(
        default=None, validator=optional(whole(1, "seconds"), _AS_IS)
    )
    open_files: int | None = attrs.field(
        default=None, validator=optional(whole(16, "descriptors"), _AS_IS)
    )
    core_size: int | None = attrs.field(default=None, validator=optional(whole(0, "bytes"), _AS_IS))
    nice: int | None = attrs.field(
        default=None, validator=optional(whole(-20, "steps", 19), _AS_IS)
    )

    @property
    def none(self) -> bool:
        """Whether there is nothing to apply."""
        return not any(value is not None for value in attrs.astuple(self))
