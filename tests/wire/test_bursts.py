"""Bursts must say what their frames say one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.wire.bursts import _DISCOURAGED, PORTION, SOME, Burst, Run, portions
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Event, Response
from bridgekit.wire.quick_host import host_receiver

pytest.importorskip("orjson")

MANY = 4 * SOME


def tick(value: object, call: object = 3, topic: str = "tick") -> bytes:
    return Connection("native", "backend").send_event(topic, value, call)


def ticks(count: int = MANY, **options: Any) -> bytes:
    return b"".join(tick({"n": n}, **options) for n in range(count))


def host(**options: Any) -> Connection:
    connection = Connection("native", "host", **options)
    connection.codec.accelerate()
    return connection


def in_lists(items: Any) -> list[Any]:
    return [list(item) if type(item) is Run else item for item in items]


def flat(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found += item if type(item) is Run else [item]
    return [Response(*item) if type(item) is tuple else item for item in found]


def assert_same(*chunks: bytes, **options: Any) -> None:
    """Both ways make the same messages of ``chunks``."""
    quick, plain = host(**options), host(**options)
    receive = host_receiver(quick)
    got: list[Any] = []
    for chunk in chunks:
        items = receive(chunk)
        got += quick.receive_data(chunk) if items is None else flat(items)
    assert repr(got) == repr([each for chunk in chunks for each in plain.receive_data(chunk)])


@pytest.mark.parametrize("call", [None, 3, 2**40])
@pytest.mark.parametrize("topic", ["tick", 'é"\\\n', 'x,"status":"event","result":'])
def test_a_burst_is_one_run(call: int | None, topic: str) -> None:
    items = host_receiver(host())(ticks(call=call, topic=topic))
    assert isinstance(items, Burst)
    assert items.frames == MANY
    assert in_lists(items) == [[Event(topic, {"n": n}, call) for n in range(MANY)]]
    assert [(run.topic, run.call, len(run)) for run in items] == [(topic, call, MANY)]


@pytest.mark.parametrize("call", [{}, {"call": 3}])
def test_frames_with_spaces_are_a_burst_too(call: dict[str, int]) -> None:
    frames = [{"cmd": "tick", "status": "event", "result": [n], **call} for n in range(MANY)]
    data = b"".join(json.dumps(frame).encode() + b"\0" for frame in frames)
    items = host_receiver(host())(data)
    assert in_lists(items) == [[Event("tick", [n], call.get("call")) for n in range(MANY)]]


@pytest.mark.parametrize("call", ["a", 1.5, True, [1]], ids=repr)
def test_calls_that_are_no_numbers_are_left_alone(call: object) -> None:
    items = host_receiver(host())(ticks(call=call))
    assert items == [Event("tick", {"n": n}, call) for n in range(MANY)]


def test_a_few_frames_are_no_burst() -> None:
    assert type(host_receiver(host())(ticks(SOME - 1))) is list


def test_bridgekit_s_own_events_stand_alone() -> None:
    items = host_receiver(host())(ticks(topic="$/item"))
    assert items == [Event("$/item", {"n": n}, 3) for n in range(MANY)]


def test_replies_and_other_events_keep_their_places() -> None:
    backend = Connection("native", "backend")
    odd = [backend.send_result(7, "x"), tick(None, topic="$/log"), tick(0, 4), tick(1, None)]
    for at in (0, 5, MANY):
        for frame in (*odd, b"".join(odd), odd[0] * 2):
            data = ticks(at) + frame + ticks(MANY - at)
            items = host_receiver(host())(data)
            assert isinstance(items, Burst)
            assert any(type(item) is Run for item in items)
            assert items.frames == MANY + frame.count(b"\0")
            assert_same(data)


@pytest.mark.parametrize(
    "frames",
    [
        [b"text\0"],
        [b"\0"],
        [b"\0", b"\0\0"],
        [tick([1, 2]).replace(b"[1,2]", b"1,2")],
        [tick(1).replace(b"1", b"", 1)],
        [tick(1).replace(b':1,"call', b':1,"result":2,"call')],
        [tick("A").replace(b'"A"', b'{"a":[1'), tick("A").replace(b'"A"', b"2]}")],
        [b'{"cmd":"tick","status":"event","result":[1,"call":3}\0', b'2],"call":3}\0'],
        [b'{"cmd":"tick","status":"event","result":,"call":3}\0'],
        [b'{"id":5,"status":"error","error":"no"}\0'],
        [b'{"id":5,"cmd":"$/call","result":1}\0'],
        [tick(10**30)],
        [tick("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))],
        [b'{"cmd":"tick","status":"event","result":"\xff","call":3}\0'],
        [tick("x" * 5000), tick(["y" * 300])],
        [tick(1).replace(b"1", b"[" * 200 + b"]" * 200, 1)],
        [tick(1).replace(b":1", b":" + b"[" * 300 + b"1" * 1000 + b"]" * 300)],
    ],
    ids=lambda frames: str(frames[0][:60]),
)
def test_anything_odd_means_the_same(frames: list[bytes]) -> None:
    for call in (3, None):
        for at in (0, 1, MANY // 2, MANY):
            data = ticks(at, call=call) + b"".join(frames) + ticks(MANY - at, call=call)
            assert_same(data)
            assert_same(ticks(call=call), data, ticks(call=call))
            spread = [frame + ticks(at, call=call) for frame in frames]
            assert_same(ticks(call=call), b"".join(spread) + ticks(SOME, call=call))


def test_frames_that_make_sense_only_together_are_refused() -> None:
    pair = tick("A").replace(b'"A"', b'[{"a":1') + tick("A").replace(b'"A"', b'"b":2}],[1]')
    data = ticks() + pair + ticks()
    assert [type(each).__name__ for each in host().receive_data(data)].count("Malformed") == 2
    assert_same(data)


def test_the_cap_and_the_depth_hold() -> None:
    long = ticks() + tick("x" * 2000) + ticks()
    assert_same(long, max_frame=1500)
    assert_same(ticks(), max_frame=40)
    deep: Any = 0
    for _ in range(12):
        deep = [deep]
    for depth in (10, 13, 14):
        assert_same(ticks() + tick(deep) + ticks(), max_depth=depth)


def test_torn_reads() -> None:
    data = ticks() + Connection("native", "backend").send_result(7, 10**17) + ticks()
    for cut in (*range(1, 120), len(data) - 1):
        assert_same(data[:cut], data[cut:])
    numbers = b"".join(tick(10**18 + n) for n in range(MANY))
    assert_same(numbers[:47], numbers[47:])
    wide = tick("x" * 400 + "9" * 30) + ticks()
    for cut in (430, 440, 455):
        assert_same(wide[:cut], wide[cut:])


def test_what_is_never_a_burst_is_not_tried_each_time() -> None:
    receive = host_receiver(host())
    mixed = b"".join(tick(n, topic=f"topic-{n % 3}") for n in range(MANY))
    assert all(type(item) is Event for item in receive(mixed) or [None])
    for _ in range(_DISCOURAGED):
        assert all(type(item) is Event for item in receive(ticks()) or [None])
    assert type((receive(ticks()) or [None])[0]) is Run


def test_another_topic_is_learnt() -> None:
    receive = host_receiver(host())
    for topic in ("one", "two", "one"):
        for call in (None, 1, 2):
            items = receive(ticks(topic=topic, call=call))
            assert in_lists(items) == [[Event(topic, {"n": n}, call) for n in range(MANY)]]


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers())
FRAME = st.one_of(
    st.builds(tick, VALUES, st.sampled_from([3, 3, 3, None, 4]), st.sampled_from("aaaab")),
    st.binary(max_size=12).map(lambda text: text + b"\0"),
)


@given(
    st.lists(st.builds(tick, VALUES, st.just(3), st.just("a")), min_size=SOME, max_size=40),
    st.lists(st.tuples(st.integers(0, 40), FRAME), max_size=6),
    st.integers(1, 2000),
)
def test_any_mixture_means_the_same(
    frames: list[bytes], odd: list[tuple[int, bytes]], size: int
) -> None:
    for at, frame in odd:
        frames.insert(at, frame)
    data = b"".join(frames)
    assert_same(data)
    assert_same(*(data[at : at + size] for at in range(0, len(data), size)))


@given(st.lists(st.integers(0, 3 * PORTION), max_size=8), st.integers(0, 100))
def test_portions_are_whole_frames_where_frames_are_short(sizes: list[int], rest: int) -> None:
    data = b"".join(b"x" * size + b"\0" for size in sizes) + b"y" * rest
    cut = list(portions(data))
    assert b"".join(cut) == data
    assert all(portion.endswith(b"\0") and len(portion) <= PORTION for portion in cut[:-1])
    assert len(cut[-1]) <= PORTION or 0 not in cut[-1][:PORTION]
