"""From a spec to what is launched, and which failures to launch pass by themselves."""

from __future__ import annotations

import errno
import sys

import attrs

from bridgekit.errors import BackendStartError
from bridgekit.host import launchers
from bridgekit.policy.spec import BackendSpec

__all__ = ["is_passing", "plan_of"]

_PASSING = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
"""The system had no room for one more process: later it may."""


def plan_of(spec: BackendSpec, name: str | None = None) -> launchers.LaunchPlan:
    """Decide how to start ``spec`` under ``name``; raise BackendStartError when that cannot work."""
    try:
        plan = launchers.plan_launch(
            spec.target,
            name=name or spec.name,
            args=spec.args,
            python=spec.python,
            env=spec.env,
            inherit=spec.inherit_env,
            cwd=spec.cwd,
            roots=spec.roots,
            wire=spec.wire,
            max_frame=spec.max_frame,
        )
    except BackendStartError as error:
        error.backend = error.backend or name or spec.name
        raise
    if sys.platform != "linux":
        for field, value in (
            ("recycle.memory", spec.recycle.memory),
            ("limits.rss", spec.limits.rss),
        ):
            if value is not None:
                raise BackendStartError(
                    f"backend {plan.name!r} cannot be started: {field} needs /proc, which this "
                    "system has not"
                )
    return attrs.evolve(plan, limits=spec.limits)


def is_passing(error: BackendStartError) -> bool:
    """Whether a later launch may succeed where this one was refused."""
    return getattr(error.__cause__, "errno", None) in _PASSING
