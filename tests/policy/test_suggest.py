"""Unknown keys are named, with what was meant where that can be guessed."""

from __future__ import annotations

import pytest

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
