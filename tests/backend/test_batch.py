from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.backend.batch import _failed
from bridgekit.errors import Cancelled
from tests.backend.conftest import Start
from tests.support.rawhost import RawHost

BODY = """
def add(self, a: int, b: int = 1):
    return a + b

def grow(self, n):
    items = self.state.setdefault("items", [])
    items.append(n)
    return items

def text(self, n):
    return "x" * n

def left(self):
    time.sleep(0.01)
    return current_call().remaining

def sleep(self):
    self.send_event("asleep")
    time.sleep(60)

def who(self):
    current_call().progress(0.5)
    return current_call().id

def rows(self, n):
    yield from range(n)

def bad(self, what):
    return {"nan": float("nan"), "object": object()}.get(what, what) if isinstance(what, str) else what

def delayed(self):
    async def later():
        return "later"
    return later()

async def soon(self, n):
    return n

@expose(concurrent=True)
def beside(self, n):
    return n

@expose(concurrent=True)
def waits(self):
    self.send_event("asleep")
    while True:
        pass

async def arows(self):
    yield 1
    yield 2
"""


def batch(host: RawHost, cmd: str, params: list[Any], first: int = 1000) -> list[Any]:
    call = host.start("$/batch", {"cmd": cmd, "first": first, "params": params})
    reply = host.reply(call)
    assert reply["status"] == "success", reply
    done: list[Any] = []
    for part in host.events("$/part"):
        assert (part["call"], part["result"]["first"]) == (call, first + len(done))
        done += part["result"]["results"]
    return [*done, *reply["result"]]


@pytest.mark.parametrize("hello", [True, False])
def test_values_and_errors_in_order(start: Start, hello: bool) -> None:
    host = start(BODY, hello=hello)
    outcomes = batch(host, "add", [[1], {"a": 2, "b": 3}, {"a": "x"}, [5]])
    assert [outcomes[0], outcomes[1], outcomes[3]] == [[2], [5], [6]]
    assert outcomes[2]["error"]["code"] == "invalid_params"
    assert batch(host, "add", []) == []


def test_each_value_goes_out_as_it_was_when_its_call_ended(start: Start) -> None:
    host = start(BODY, hello=True)
    assert batch(host, "grow", [[1], [2], [3]]) == [[[1]], [[1, 2]], [[1, 2, 3]]]


def test_each_item_is_a_call_of_its_own(start: Start) -> None:
    host = start(BODY, hello=True)
    assert batch(host, "who", [None, None], first=500) == [[500], [501]]
    assert [each["call"] for each in host.events("$/progress")] == [500, 501]


@pytest.mark.parametrize("name", ["soon", "beside"])
def test_calls_off_the_main_thread_are_gathered_in_order(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    outcomes = batch(host, name, [[n] for n in range(50)] + [["x", 1]])
    assert outcomes[:50] == [[n] for n in range(50)]
    assert outcomes[50]["error"]["code"] == "invalid_params"
    assert batch(host, name, []) == []


def test_each_item_has_its_own_time(start: Start) -> None:
    host = start(BODY, hello=True)
    params = {"cmd": "left", "first": 600, "params": [None] * 20}
    call = host.start("$/batch", params, timeout=0.1)
    done = host.reply(call)["result"]
    done += [each for part in host.events("$/part") for each in part["result"]["results"]]
    assert len(done) == 20
    assert all(left > 0 for (left,) in done)


def test_texts_of_every_kind_in_one_batch(start: Start) -> None:
    host = start(BODY, hello=True)
    sizes = [0, 5, 1024, 1025, 3000]
    assert batch(host, "text", [[size] for size in sizes]) == [["x" * size] for size in sizes]
    values = ["plain", "é", 1, None, ["x"], "plain"]
    assert batch(host, "bad", [{"what": [value]} for value in values]) == [[[v]] for v in values]
    assert batch(host, "bad", [{"what": value} for value in values[:3]]) == [["plain"], ["é"], [1]]


def test_an_interruption_after_the_end_of_an_item_is_no_second_outcome() -> None:
    outcomes = SimpleNamespace(next=8, add_error=None)
    loop: Any = SimpleNamespace(running=(7,), errors=0)
    _failed(loop, (7, "add", None, None), Cancelled(), outcomes)  # type: ignore[arg-type]
    assert (loop.running, loop.errors) == (None, 0)


def test_streams_and_coroutines_come_as_one_value(start: Start) -> None:
    host = start(BODY, hello=True)
    assert batch(host, "rows", [[2], [0]]) == [[[0, 1]], [[]]]
    assert batch(host, "delayed", [None]) == [["later"]]
    assert batch(host, "arows", [None]) == [[[1, 2]]]


def test_what_cannot_be_sent_costs_its_own_item_only(start: Start) -> None:
    host = start(BODY, hello=True)
    outcomes = batch(host, "bad", [["nan"], ["fine"], ["object"]])
    assert outcomes[1] == ["fine"]
    assert [outcomes[n]["error"]["code"] for n in (0, 2)] == ["unserialisable"] * 2


def test_a_large_batch_goes_ahead_in_parts(start: Start) -> None:
    host = start(BODY, hello=True)
    sizes = [200_000] * 10
    assert [len(each[0]) for each in batch(host, "text", [[size] for size in sizes])] == sizes
    outcomes = batch(host, "text", [[20_000_000], [1]])
    assert outcomes[0]["error"]["code"] == "frame_too_large"
    assert outcomes[1] == ["x"]


def test_an_item_that_waits_can_be_cancelled_and_so_can_all(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("$/batch", {"cmd": "sleep", "first": 700, "params": [None] * 3})
    host.event("asleep")
    host.cancel(701)
    host.cancel(700)
    host.event("asleep")
    host.cancel(call)
    reply = host.reply(call)
    outcomes = [each for part in host.events("$/part") for each in part["result"]["results"]]
    outcomes += reply["result"]
    assert [each["error"]["code"] for each in outcomes] == ["cancelled"] * 3
    assert host.events("asleep") == []


def test_an_item_of_a_batch_that_waits_can_be_cancelled(start: Start) -> None:
    host = start(BODY, hello=True)
    running = host.start("sleep")
    host.event("asleep")
    call = host.start("$/batch", {"cmd": "add", "first": 800, "params": [[1], [2]]})
    assert host.call("$/cancel", {"id": 801}) == {"cancelled": True}
    assert host.call("$/cancel", {"id": 802}) == {"cancelled": False}
    host.cancel(running)
    result = host.reply(call)["result"]
    assert result[0] == [2]
    assert result[1]["error"]["code"] == "cancelled"


def test_a_gathered_batch_can_be_cancelled(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("$/batch", {"cmd": "waits", "first": 900, "params": [None, None]})
    host.event("asleep")
    host.event("asleep")
    host.cancel(call)
    assert [each["error"]["code"] for each in host.reply(call)["result"]] == ["cancelled"] * 2


@pytest.mark.parametrize(
    "params",
    [
        None, [], {}, {"cmd": "add"}, {"cmd": 1, "first": 1, "params": []},
        {"cmd": "add", "first": "1", "params": []}, {"cmd": "add", "first": 1, "params": {}},
        {"cmd": "add", "first": 1, "params": [1]}, {"cmd": "soon", "first": 1, "params": ["x"]},
    ],
)  # fmt: skip
def test_a_batch_that_is_none_is_refused(start: Start, params: Any) -> None:
    host = start(BODY, hello=True)
    assert host.failure("$/batch", params)["code"] == "invalid_params"
    assert host.call("add", [1]) == 2


def test_a_batch_of_an_unknown_method_is_refused(start: Start) -> None:
    host = start(BODY, hello=True)
    error = host.failure("$/batch", {"cmd": "ad", "first": 1, "params": []})
    assert error["code"] == "method_not_found"
