"""The memory of one large frame."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from bridgekit.wire.framing import _room as room

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no rooms")


@pytest.mark.parametrize("first", [1 << 20, 1 << 12])
def test_what_was_added_comes_out_however_often_it_had_to_move(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(room, "_MOST", first)
    chance = random.Random(3)
    place = room.open_room(1 << 20)
    assert place is not None
    expected = b""
    for _ in range(60):
        piece = chance.randbytes(chance.randint(0, 9000))
        expected += piece
        place.add(piece)
        assert place.size == len(expected)
        assert place.view() == expected
    view = place.view()
    del place
    assert view.readonly
    assert bytes(view) == expected


def test_it_holds_exactly_its_limit() -> None:
    place = room.open_room(5000)
    assert place is not None
    place.add(b"a" * 4000)
    place.add(b"b" * 1000)
    assert bytes(place.view()) == b"a" * 4000 + b"b" * 1000


def test_there_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(size: int) -> Any:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(room, "_find_map", lambda: refuse)
    assert room.open_room(1 << 20) is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "mmap", None)
    assert room.open_room(1 << 20) is None
    monkeypatch.setattr(sys, "platform", "win32")
    assert room.open_room(1 << 20) is None


def test_the_system_may_refuse_huge_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    import mmap

    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 0x7FFF, raising=False)
    place = room.open_room(1 << 20)
    assert place is not None
    place.add(b"abc")
    assert place.view() == b"abc"
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE")
    assert room.open_room(1 << 20) is not None
