"""What goes on although something of ours went wrong."""

from __future__ import annotations

import pytest

from bridgekit.host.guarding import carry_on, each


def test_every_step_is_taken_and_each_error_logged(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[int] = []
    each("echo", lambda: taken.append(1), lambda: {}["x"], lambda: taken.append(2))
    assert taken == [1, 2]
    (record,) = caplog.records
    assert "backend 'echo': an internal error" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


def test_what_asks_the_program_to_end_is_not_held_up() -> None:
    with pytest.raises(KeyboardInterrupt), carry_on("echo"):
        raise KeyboardInterrupt
