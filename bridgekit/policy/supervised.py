"""The part of a spec that says how a backend is supervised: every default in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from bridgekit.policy.fields import instance, names, optional, seconds, whole
from bridgekit.policy.health import HealthCheck
from bridgekit.policy.limits import ResourceLimits
from bridgekit.policy.recycle import RecyclePolicy
from bridgekit.policy.restart import RestartPolicy
from bridgekit.policy.suggest import check_keys

__all__ = ["Supervised"]


def _table(name: str, kind: type[Any], value: Any) -> Any:
    """A mapping of fields becomes a ``kind``, as it comes from a TOML file."""
    if not isinstance(value, Mapping):
        return value
    check_keys(f"{name!r}", value, [field.name for field in attrs.fields(kind)])
    try:
        return kind(**value)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None


def _to_restart(value: Any) -> Any:
    """A lone word is the mode: ``restart="never"``."""
    return _table("restart", RestartPolicy, {"mode": value} if isinstance(value, str) else value)


def _to_health(value: Any) -> Any:
    return _table("health", HealthCheck, value)


def _to_recycle(value: Any) -> Any:
    return _table("recycle", RecyclePolicy, value)


def _to_limits(value: Any) -> Any:
    return _table("limits", ResourceLimits, value)


def _to_names(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    return tuple(value)


@attrs.frozen(kw_only=True, slots=False)  # so that it combines with a slotted spec
class Supervised:
    """How the processes of one backend are supervised.

    ``workers`` processes run it, each with at most ``concurrency`` calls at a time; at most
    ``queue_limit`` calls wait. ``warm_spares`` more are ready to take over. A backend that
    nobody called for ``idle_timeout`` seconds is stopped until the next call (None: never).
    ``health=None`` asks nothing. ``tags`` are the user's own. A mapping is taken for each of the
    policies, and a lone mode for ``restart``.
    """

    workers: int = attrs.field(default=1, validator=whole(1, "processes", 1000))
    concurrency: int = attrs.field(default=1, validator=whole(1, "calls"))
    queue_limit: int = attrs.field(default=1000, validator=whole(0, "calls"))
    idle_timeout: float | None = attrs.field(
        default=None, validator=optional(seconds(), "it is never stopped for idleness")
    )
    restart: RestartPolicy = attrs.field(
        factory=RestartPolicy, converter=_to_restart, validator=instance(RestartPolicy)
    )
    health: HealthCheck | None = attrs.field(
        factory=HealthCheck,
        converter=_to_health,
        validator=optional(instance(HealthCheck), "no health checks"),
    )
    recycle: RecyclePolicy = attrs.field(
        factory=RecyclePolicy,
        converter=_to_recycle,
        validator=instance(RecyclePolicy),
    )
    limits: ResourceLimits = attrs.field(
        factory=ResourceLimits,
        converter=_to_limits,
        validator=instance(ResourceLimits),
    )
    warm_spares: int = attrs.field(default=0, validator=whole(0, "processes", 1000))

    @property
    def samples(self) -> bool:
        """Whether somebody has to look at the memory of its workers."""
        return self.recycle.memory is not None or self.limits.rss is not None

    tags: tuple[str, ...] = attrs.field(default=(), converter=_to_names, validator=names())
