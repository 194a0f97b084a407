"""The supervised part of a spec: defaults, tables as they come from TOML, errors by name."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.policy.health import HealthCheck
from bridgekit.policy.limits import ResourceLimits
from bridgekit.policy.recycle import RecyclePolicy
from bridgekit.policy.restart import RestartPolicy
from bridgekit.policy.supervised import Supervised


def test_defaults() -> None:
    plan = Supervised()
    assert (plan.workers, plan.concurrency, plan.queue_limit) == (1, 1, 1000)
    assert (plan.idle_timeout, plan.warm_spares, plan.tags) == (None, 0, ())
    assert plan.restart == RestartPolicy()
    assert plan.health == HealthCheck()
    assert plan == Supervised()
    assert hash(plan) == hash(Supervised())


def test_tables_become_policies() -> None:
    plan = Supervised(
        restart={"mode": "always", "backoff": 1},
        health={"interval": 1},
        recycle={"calls": 10},
        limits={"open_files": 64},
        tags=["a", "b"],
    )
    assert plan.restart == RestartPolicy(mode="always", backoff=1)
    assert plan.health == HealthCheck(interval=1)
    assert plan.recycle == RecyclePolicy(calls=10)
    assert plan.limits == ResourceLimits(open_files=64)
    assert plan.tags == ("a", "b")
    assert Supervised(restart="never", health=None).restart.mode == "never"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"workers": 0}, r"^workers=0 is not allowed: it must be a whole number of processes"),
        ({"concurrency": "2"}, r"^concurrency='2' is not allowed"),
        ({"queue_limit": -1}, r"^queue_limit=-1 is not allowed"),
        ({"idle_timeout": 0}, r"^idle_timeout=0 .* or None: it is never stopped for idleness$"),
        ({"warm_spares": -1}, r"^warm_spares=-1 is not allowed"),
        ({"tags": "a"}, r"^tags='a' is not allowed: it must be a list"),
        ({"tags": 5}, r"^tags=5 is not allowed"),
        ({"restart": 5}, r"^restart=5 is not allowed: it must be a RestartPolicy"),
        ({"restart": "maybe"}, r"^restart\.mode='maybe' is not allowed: it must be one of"),
        ({"restart": {"backoff": -1}}, r"^restart\.backoff=-1 is not allowed"),
        ({"restart": {"widow": 1}}, r"^'restart' has no field 'widow'\. Did you mean 'window'\?"),
        ({"health": {"every": 1}}, r"^'health' has no field 'every'"),
        ({"health": 1}, r"^health=1 .* a HealthCheck .*, or None: no health checks$"),
        ({"recycle": {"calls": 0}}, r"^recycle\.calls=0 is not allowed"),
        ({"limits": {"nice": 99}}, r"^limits\.nice=99 is not allowed"),
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Supervised(**fields)
