"""Actions are plain values."""

from __future__ import annotations

from typing import get_args

from bridgekit.policy import actions


def test_every_action_is_exported_and_says_what_to_do() -> None:
    names = set(actions.__all__) - {"Action"}
    for name in names:
        assert getattr(actions, name).__doc__
    union = actions.Action
    assert names <= set(str(union).replace("|", " ").split()) or get_args(union)
