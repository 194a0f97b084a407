"""Messages compare by what they hold and show it."""

from __future__ import annotations

from bridgekit.errors import DecodeError
from bridgekit.wire.messages import PROTOCOL, Cancel, Event, Failure, Malformed, Request, Response


def test_equality_is_by_class_and_content() -> None:
    assert Request(1, "a") == Request(1, "a", None, None)
    assert Request(1, "a") != Request(1, "b")
    assert Response(1, 2) != Request(1, "a")
    assert Cancel(1) != 1
    assert hash(Event("a", [1])) == hash(Event("a", [1]))


def test_they_show_what_they_hold() -> None:
    assert repr(Request(1, "add", {"a": 2})) == (
        "Request(id=1, method='add', params={'a': 2}, timeout=None)"
    )
    assert "code='x'" in repr(Failure(1, "no", "x"))
    assert "DecodeError" in repr(Malformed(DecodeError("why")))


def test_they_are_slotted() -> None:
    for message in (Request(1, "a"), Response(1, 2), Event("a"), Failure(1, "x"), Cancel(1)):
        assert not hasattr(message, "__dict__")


def test_the_protocol_has_a_number() -> None:
    assert PROTOCOL == 1
