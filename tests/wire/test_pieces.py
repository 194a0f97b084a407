"""A large frame in pieces is the bytes it stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.wire.connection import Connection
from bridgekit.wire.pieces import Pieces
from bridgekit.wire.quick import LARGE, quick_sender
from bridgekit.wire.quick_host import host_sender


@given(parts=st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6), data=st.data())
def test_it_is_written_from_any_place_on(parts: list[bytes], data: st.DataObject) -> None:
    whole, pieces = b"".join(parts), Pieces(parts)
    assert (len(pieces), bytes(pieces), bytes(b"before" + pieces)) == (
        len(whole),
        whole,
        b"before" + whole,
    )
    place = data.draw(st.integers(0, len(whole)))
    assert bytes(pieces[place:]) == whole[place:]
    assert bytes(pieces[place:][1:]) == whole[place + 1 :]
    written = b""
    while len(written) < len(whole):
        taken = data.draw(st.integers(1, 4))
        written += bytes(pieces.at(len(written))[:taken])
    assert written == whole


@pytest.mark.parametrize("size", [LARGE - 50, LARGE, 3 * LARGE])
@pytest.mark.parametrize("kind", ["text", "list", "umlauts"])
def test_large_frames_are_what_the_ordinary_way_sends(size: int, kind: str) -> None:
    pytest.importorskip("orjson")
    value = {
        "text": "x" * size,
        "list": [["y" * 50, None]] * (size // 60),
        "umlauts": "\u00e4" * size,
    }
    backend = Connection("native", "backend")
    expected = backend.send_result(7, value[kind])
    backend.codec.accelerate()
    assert bytes(quick_sender(backend)(7, value[kind])) == expected
    host = Connection("native", "host")
    send = host_sender(host)
    for timeout in (None, 1.5):
        params = {"value": value[kind]}
        for _ in range(2):  # the name is known the second time
            sent = send(7, "echo", params, timeout)
            assert bytes(sent) == host.send_request(7, "echo", params, timeout)
    assert (type(sent) is Pieces) == (size >= LARGE and kind == "text")


def test_the_cap_holds_for_pieces_too() -> None:
    pytest.importorskip("orjson")
    backend = Connection("native", "backend", max_frame=2 * LARGE)
    backend.codec.accelerate()
    send = quick_sender(backend)
    assert type(send(1, "x" * LARGE)) is Pieces
    with pytest.raises(Exception, match="limit"):
        send(1, "x" * (2 * LARGE))
