"""What is said during a call goes to stderr."""

from __future__ import annotations

import pytest

from bridgekit.cli.showing import show_event
from bridgekit.wire.messages import Event


@pytest.mark.parametrize(
    ("topic", "data", "text"),
    [
        ("$/output", {"text": "halfway\n"}, "halfway\n"),
        ("$/progress", {"progress": 0.5, "step": "read", "message": "x"}, " 50% read x\n"),
        ("$/progress", {"progress": None, "message": "x"}, "x\n"),
        ("$/progress", {"progress": 1}, "100% \n"),
        ("other", {}, ""),
    ],
)
def test_events(topic: str, data: object, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_event(Event(topic, data))
    out, err = capsys.readouterr()
    assert (out, err) == ("", text)
