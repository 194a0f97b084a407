"""Unknown keys are named, with what was meant where that can be guessed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from bridgekit.policy.health import HealthCheck
from bridgekit.policy.limits import ResourceLimits
from bridgekit.policy.recycle import RecyclePolicy
from bridgekit.policy.restart import RestartPolicy
from bridgekit.policy.spec import BackendSpec
from bridgekit.policy.suggest import check_keys


def test_known_keys_pass() -> None:
    check_keys("'restart'", {"mode": 1}, ["mode", "window"])


def test_a_slip_gets_a_suggestion() -> None:
    with pytest.raises(
        ValueError, match=r"'restart' has no field 'windw'\. Did you mean 'window'\?"
    ):
        check_keys("'restart'", ["mode", "windw"], ["mode", "window"])


def test_nonsense_gets_the_list_only() -> None:
    with pytest.raises(ValueError, match=r"no field 'zzz'\. Its fields are: mode, window\.$"):
        check_keys("'restart'", ["zzz"], ["window", "mode"])


@pytest.mark.parametrize(
    "cls", [HealthCheck, ResourceLimits, RecyclePolicy, RestartPolicy, BackendSpec]
)
def test_a_class_of_the_policy_names_its_fields(cls: Any) -> None:
    given = ["x"] if cls is BackendSpec else []
    names = ", ".join(sorted(field.name for field in attrs.fields(cls)))
    with pytest.raises(
        TypeError, match=f"{cls.__name__} has no field 'zzz'. Its fields are: {names}"
    ):
        cls(*given, zzz=1)
    good = cls(*given)
    assert attrs.evolve(good) == good
    with pytest.raises(TypeError, match="has no field 'zzz'"):
        attrs.evolve(good, zzz=1)


def test_a_slip_in_a_spec_gets_a_suggestion() -> None:
    with pytest.raises(
        TypeError, match=r"BackendSpec has no field 'worker'\. Did you mean 'workers'\?"
    ):
        BackendSpec("x.py", worker=2)  # type: ignore[call-arg]
