from __future__ import annotations

import pytest

from bridgekit.backend.streams import WINDOW, Credit, collect
from tests.backend.conftest import Start
from tests.support.rawhost import RawHost

BODY = """
def rows(self, n, fail=False):
    for index in range(n):
        yield index
    if fail:
        raise ValueError("after the rows")
    return "the end"

async def arows(self, n, fail=False):
    for index in range(n):
        yield index
    if fail:
        raise ValueError("after the rows")

@expose(concurrent=True)
def crows(self, n, fail=False):
    yield from range(n)
    if fail:
        raise ValueError("after the rows")

def endless(self):
    try:
        n = 0
        while True:
            yield n
            n += 1
    finally:
        self.state["closed"] = self.state.get("closed", 0) + 1

def slow(self):
    while True:
        yield "x"
        time.sleep(60)

def wide(self):
    for _ in range(10):
        yield "x" * 400_000

def bad(self):
    yield 1
    yield {"deep": [object()]}

def refuses(self):
    try:
        yield 1
        while True:
            yield 2
    except BaseException:
        raise RuntimeError("in the clean-up")

def add(self, a):
    return a + 1

def closed(self):
    return self.state.get("closed", 0)
"""

LANES = ["rows", "arows", "crows"]


def item(host: RawHost, seq: int) -> object:
    return host.wait_for(
        lambda frame: frame.get("cmd") == "$/item" and frame["result"]["seq"] == seq, f"item {seq}"
    )["result"]["value"]


def ack(host: RawHost, call: int, seq: int) -> None:
    host.send({"cmd": "$/ack", "params": {"call": call, "seq": seq}})


@pytest.mark.parametrize("lane", LANES)
def test_items_come_in_order_tied_to_their_call_before_the_reply(start: Start, lane: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(lane, [5])
    assert host.reply(call)["result"] == ("the end" if lane == "rows" else None)
    items = host.events("$/item")
    assert [each["result"] for each in items] == [{"seq": n + 1, "value": n} for n in range(5)]
    assert {each["call"] for each in items} == {call}


@pytest.mark.parametrize("lane", LANES)
def test_a_stream_stays_within_its_window(start: Start, lane: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(lane, [3 * WINDOW])
    for last in (WINDOW, 2 * WINDOW, 3 * WINDOW):
        item(host, last)
        assert host.call("add", [1]) == 2  # a round trip in which more would have come
        seen = [each["result"]["seq"] for each in host.events("$/item")]
        assert max(seen) == last - 1
        ack(host, call, last)
    assert host.reply(call)["status"] == "success"


@pytest.mark.parametrize("lane", LANES)
def test_an_error_after_items_is_the_reply(start: Start, lane: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(lane, [2, True])
    reply = host.reply(call)
    assert (reply["type"], reply["error"]) == ("ValueError", "after the rows")
    assert len(host.events("$/item")) == 2


@pytest.mark.parametrize("lane", LANES)
def test_a_host_that_cannot_stream_gets_a_list(start: Start, lane: str) -> None:
    host = start(BODY)
    assert host.call(lane, [70 * WINDOW // 64]) == list(range(70 * WINDOW // 64))
    assert host.failure(lane, [2, True])["error"] == "after the rows"


def test_other_calls_run_between_items(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("endless")
    for n in range(1, 200):
        item(host, n)
        assert host.call("add", [n]) == n + 1
        ack(host, call, n)
    second = host.start("endless")
    host.wait_for(lambda frame: frame.get("call") == second)
    host.cancel(call)
    host.cancel(second)
    assert host.reply(call)["code"] == "cancelled"
    assert host.reply(second)["code"] == "cancelled"
    assert host.call("closed") == 2


def test_cancelling_a_generator_in_the_middle_of_a_step(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("slow")
    item(host, 1)
    host.settle()
    host.cancel(call)
    assert host.reply(call)["code"] == "cancelled"
    assert host.call("add", [1]) == 2


def test_an_error_in_the_clean_up_is_what_the_caller_sees(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("refuses")
    item(host, WINDOW)
    host.cancel(call)
    assert host.reply(call)["error"] == "in the clean-up"


def test_bytes_count_too(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("wide")
    item(host, 3)
    assert host.call("add", [1]) == 2
    assert max(each["result"]["seq"] for each in host.events("$/item")) == 2
    for n in range(3, 10):
        ack(host, call, n)
        item(host, n + 1)
    assert host.reply(call)["result"] is None


def test_an_item_that_cannot_be_sent_ends_the_stream_and_names_the_place(start: Start) -> None:
    host = start(BODY, hello=True)
    reply = host.reply(host.start("bad"))
    assert reply["code"] == "unserialisable"
    assert reply["error"].startswith("item 2: ")
    assert "deep[0]" in reply["error"]


@pytest.mark.parametrize("lane", LANES)
def test_at_the_end_of_input_a_stream_flows_freely_to_its_end(start: Start, lane: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(lane, [5 * WINDOW])
    host.close_stdin()
    assert host.reply(call)["status"] == "success"
    assert len(host.events("$/item")) == 5 * WINDOW
    assert host.wait() == 0


def test_nonsense_as_an_acknowledgement_changes_nothing(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("endless")
    item(host, WINDOW)
    for seq in (None, "9", 1.5, -3, 0):
        host.send({"cmd": "$/ack", "params": {"call": call, "seq": seq}})
    host.send({"cmd": "$/ack", "params": [call, 9]})
    host.send({"cmd": "$/ack", "params": {"call": 12345, "seq": 9}})
    assert host.call("add", [1]) == 2
    assert [each["result"]["seq"] for each in host.events("$/item")] == list(range(1, WINDOW))


def test_credit_allows_one_item_whatever_its_size() -> None:
    credit = Credit()
    credit.seq = 1
    assert credit.left
    credit.sent(10**9)
    assert not credit.left
    credit.acknowledge(1)
    assert credit.left
    credit.sent(10**9)
    credit.unlimited = True
    assert credit.left


def test_collecting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridgekit.backend import streams

    monkeypatch.setattr(streams, "_MOST_COLLECTED", 10)
    assert collect(n for n in range(10)) == list(range(10))
    with pytest.raises(OverflowError, match="more than 10 items"):
        collect(n for n in range(11))
