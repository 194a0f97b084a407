"""Resource limits: validated, and empty by default."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.policy.limits import ResourceLimits


def test_nothing_is_limited_by_default() -> None:
    assert ResourceLimits().none
    assert not ResourceLimits(core_size=0).none


def test_all_fields() -> None:
    limits = ResourceLimits(
        address_space=1 << 30, rss=1 << 28, cpu_seconds=60, open_files=256, core_size=0, nice=-20
    )
    assert limits.nice == -20


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"address_space": 1024}, "bytes, 16777216 or more, or None: as the host has it"),
        ({"rss": 0}, "bytes"),
        ({"cpu_seconds": 0.5}, "seconds, 1 or more"),
        ({"open_files": 3}, "descriptors, 16 or more"),
        ({"core_size": -1}, "bytes, 0 or more"),
        ({"nice": 20}, "from -20 to 19"),
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, Any], allowed: str) -> None:
    name = next(iter(fields))
    with pytest.raises(ValueError, match=rf"^{name}=.* is not allowed: it must be .*{allowed}"):
        ResourceLimits(**fields)
