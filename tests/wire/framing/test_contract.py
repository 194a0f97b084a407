"""What every framing must do; a new one is found by its file."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.errors import FrameTooLarge
from tests.wire.ways import TOO_LARGE, TRUNCATED, cuts, frames_of, layer, names, plainly

LIMIT = 300
# What any framing may carry: JSON text on one line.
PAYLOADS = st.text("abc {}[]\"':,0123456789\\", min_size=1, max_size=LIMIT).map(str.encode)


@pytest.fixture(params=names("framing"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(name: str, role: str = "host", limit: int = LIMIT) -> Any:
    return layer("framing", name).Framing(role, limit)


BOTH_WAYS = pytest.mark.parametrize(
    ("sender", "receiver"), [("host", "backend"), ("backend", "host")]
)


@BOTH_WAYS
@given(payloads=st.lists(PAYLOADS, max_size=5))
def test_frames_come_out_as_they_went_in(sender: str, receiver: str, payloads: list[bytes]) -> None:
    for name in names("framing"):
        stream = b"".join(make(name, sender).wrap(payload) for payload in payloads)
        assert frames_of(lambda name=name: make(name, receiver), stream) == payloads


@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_any_bytes_cut_anywhere_give_the_same(data: bytes, cut: int) -> None:
    for name in names("framing"):
        for role in ("host", "backend"):
            whole, halves = make(name, role, 20), make(name, role, 20)
            expected = [plainly(frame) for frame in whole.feed(data)]
            got = [plainly(frame) for frame in halves.feed(data[:cut]) + halves.feed(data[cut:])]
            assert got == expected
            assert str(whole.eof()) == str(halves.eof())


@BOTH_WAYS
def test_the_cap_is_the_same_on_both_sides(name: str, sender: str, receiver: str) -> None:
    for size in (LIMIT - 1, LIMIT):
        data = make(name, sender).wrap(b"x" * size)
        assert frames_of(lambda: make(name, receiver), data) == [b"x" * size]
    with pytest.raises(FrameTooLarge) as caught:
        make(name, sender).wrap(b"x" * (LIMIT + 1))
    assert (caught.value.size, caught.value.limit) == (LIMIT + 1, LIMIT)
    data = make(name, sender, 10 * LIMIT).wrap(b"x" * (LIMIT + 1))
    assert frames_of(lambda: make(name, receiver), data) == [TOO_LARGE]


@BOTH_WAYS
def test_an_oversized_frame_costs_no_other(name: str, sender: str, receiver: str) -> None:
    wide = make(name, sender, 100 * LIMIT)
    stream = b"".join(wide.wrap(b) for b in (b"before", b'{"id":7,' + b"x" * 9000, b"after"))
    assert frames_of(lambda: make(name, receiver), stream) == [b"before", TOO_LARGE, b"after"]
    for pieces in cuts(stream):
        framing = make(name, receiver)
        [error] = [f for p in pieces for f in framing.feed(p) if isinstance(f, FrameTooLarge)]
        assert error.head.startswith(b'{"id":7,')
        assert (error.size, error.limit) == (9008, LIMIT)
        assert str(LIMIT) in str(error) and "9008" in str(error)


@BOTH_WAYS
def test_a_stream_that_ends_inside_a_frame_says_so(name: str, sender: str, receiver: str) -> None:
    data = make(name, sender).wrap(b'{"id":1}')
    for kept in range(len(data) - 4, len(data)):
        framing = make(name, receiver)
        framing.feed(data[:kept])
        assert plainly(framing.eof()) == TRUNCATED
    framing = make(name, receiver)
    framing.feed(data)
    assert framing.eof() is None


def test_after_the_end_it_starts_anew(name: str) -> None:
    framing = make(name)
    data = make(name, "backend").wrap(b"{}")
    framing.feed(data[:-1])
    framing.eof()
    assert framing.feed(data) == [b"{}"]


def test_memory_stays_near_the_bytes_kept(name: str) -> None:
    """Also for a peer that sends two bytes at a time, and for one that never ends a frame."""
    limit = 1 << 16
    data = make(name, "backend", limit).wrap(
        random.Random(1).randbytes(limit).hex().encode()[:limit]
    )
    tracemalloc.start()
    try:
        framing = make(name, "host", limit)
        for at in range(0, len(data) - 2, 2):
            framing.feed(data[at : at + 2])
        assert tracemalloc.get_traced_memory()[0] < 2 * limit
        tracemalloc.reset_peak()
        framing = make(name, "host", 1 << 12)
        wide = make(name, "backend", 1 << 26).wrap(b"x" * (1 << 20))
        base = tracemalloc.get_traced_memory()[0]
        for at in range(0, len(wide), 4096):
            framing.feed(wide[at : at + 4096])
        assert tracemalloc.get_traced_memory()[0] - base < 1 << 16
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [4096, 65536])
def test_work_is_linear_in_the_bytes(name: str, size: int) -> None:
    """Counted, not timed: no piece may be touched again for each that follows."""
    limit = 1 << 24
    framing = make(name, "host", limit)
    data = make(name, "backend", limit).wrap(b"x" * limit)
    frames: list[Any] = []
    for at in range(0, len(data), size):
        frames += framing.feed(data[at : at + size])
    assert len(frames) == 1 and len(frames[0]) == limit
