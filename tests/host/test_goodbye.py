"""The goodbye of the host."""

from __future__ import annotations

from bridgekit.host.goodbye import Goodbye


def test_any_answer_will_do() -> None:
    answers: list[str] = []
    goodbye = Goodbye(lambda: answers.append("answered"))
    assert goodbye.method == "shutdown"
    goodbye.settle(None)
    goodbye.fail(ValueError("no such method"))
    assert answers == ["answered", "answered"]
