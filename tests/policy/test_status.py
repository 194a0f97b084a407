"""Snapshots are frozen, and their fields the ones that users read."""

from __future__ import annotations

import attrs
import pytest

from bridgekit.policy.status import BackendStatus, LastExit


def test_a_snapshot_is_frozen() -> None:
    status = BackendStatus(name="menu", state="ready", pid=3, uptime=1.5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        status.state = "busy"  # type: ignore[misc]
    assert (status.restarts, status.last_exit, status.methods) == (0, None, ())


def test_the_last_exit_speaks_for_itself() -> None:
    ended = LastExit(-9, "SIGKILL", "killed by SIGKILL")
    assert (ended.code, ended.signal, ended.description) == (-9, "SIGKILL", "killed by SIGKILL")
