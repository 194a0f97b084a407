"""Large replies and the events that were left behind, through a whole backend."""

from __future__ import annotations

from tests.backend.conftest import Start


def test_large_replies_pass_events_that_a_busy_backend_left_behind(start: Start) -> None:
    host = start(
        """
def both(self, n):
    for index in range(200):
        self.send_event("tick", "x" * 500)
    return "y" * n
""",
        hello=True,
    )
    for _ in range(5):
        assert len(host.call("both", [2_000_000])) == 2_000_000
        assert len(host.events("tick")) == 200
