"""A batch's outcomes become bytes one by one, as values or as text, and always fit their frame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.backend.call import Call
from bridgekit.backend.failures import failure_of
from bridgekit.backend.outcomes import Gathered, Outcomes, TextOutcomes, outcomes_for
from bridgekit.errors import EncodeError, FrameTooLarge
from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Event, Failure, Message, Response
from tests.backend.conftest import Start

KINDS = [("native", 7), ("native", "seven"), ("jsonrpc", 7), ("msgpack", 7)]


class FakeLoop:
    """What outcomes use of a loop; ``sent`` is what the host has understood."""

    def __init__(self, format: str = "native", *, max_frame: int = 1 << 24, parts: bool = True):
        self.connection = Connection(format, "backend", max_frame=max_frame)
        self.features = frozenset(["batch"] if parts else [])
        self.host = Connection(format, "host", max_frame=max_frame)
        self.sent: list[Message] = []
        self.outbox = SimpleNamespace(put=self.take, flush=lambda: None, push=self.take)
        self.active: dict[Any, Any] = {}

    def take(self, data: bytes) -> None:
        self.sent += self.host.receive_data(data)

    def refusal(self, call_id: Any, error: BaseException) -> bytes:
        return self.connection.send(failure_of(call_id, error))


def started(loop: Any, batch_id: Any = 7) -> Outcomes:
    return outcomes_for(loop, batch_id, 100)


def answered(loop: FakeLoop, outcomes: Outcomes) -> Any:
    loop.take(outcomes.answer())
    last = loop.sent[-1]
    assert isinstance(last, Response), last
    return last.result


def parts(loop: FakeLoop) -> list[tuple[Any, int, Any]]:
    """The parts that have come: the batch, the first call, the outcomes."""
    return [
        (event.call, event.data["first"], event.data["results"])
        for event in loop.sent
        if isinstance(event, Event)
    ]


def test_text_is_put_together_only_where_the_wire_allows_it() -> None:
    for name, batch_id in KINDS:
        outcomes = started(FakeLoop(name), batch_id)
        assert isinstance(outcomes, TextOutcomes) == ((name, batch_id) == KINDS[0])


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_values_go_out_as_they_were(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format)
    outcomes = started(loop, batch_id)
    grown: list[Any] = []
    for value in (1, "é", None, True, 0.5, grown):
        outcomes.add(value)
    grown.append("too late")
    outcomes.add(grown)
    assert answered(loop, outcomes) == [
        [1], ["é"], [None], [True], [0.5], [[]], [["too late"]],
    ]  # fmt: skip


def test_values_are_the_same_with_the_accelerator() -> None:
    pytest.importorskip("orjson")
    loop = FakeLoop()
    loop.connection.codec.accelerate()
    outcomes = started(loop)
    values = [1, "é", None, True, 0.5, {"a": [1]}, 2**70, "x" * 5000, {"none": None}]
    for value in values:
        outcomes.add(value)
    for bad in (float("nan"), object()):
        with pytest.raises(EncodeError, match="result"):
            outcomes.add(bad)
    assert answered(loop, outcomes) == [[value] for value in values]


@pytest.mark.parametrize("accelerated", [False, True])
def test_short_texts_are_kept_and_become_json_at_the_end(accelerated: bool) -> None:
    loop = FakeLoop()
    if accelerated:
        pytest.importorskip("orjson")
        loop.connection.codec.accelerate()
    texts = ["", 'a "quoted" one', "tab\t\0", "x" * 1024]
    outcomes = started(loop)
    for text in texts:
        assert len(text) <= outcomes.short
        outcomes.keep(text)
    assert outcomes.next == 104
    outcomes.send_part()
    assert outcomes.next == 104
    outcomes.keep("mixed")
    outcomes.add([1])
    outcomes.add_error(Failure(106, "no"))
    assert answered(loop, outcomes) == [["mixed"], [[1]], {"error": {"error": "no"}}]
    assert parts(loop) == [(7, 100, [[text] for text in texts])]


def test_many_short_texts_are_large_together() -> None:
    outcomes = started(FakeLoop())
    while not outcomes.large:
        outcomes.keep("x" * 1000)
    assert 250 < outcomes.next - 100 < 270


def test_nothing_is_kept_where_it_might_not_fit_once_escaped() -> None:
    assert started(FakeLoop(max_frame=500_000)).short < 0
    for name, batch_id in KINDS[1:]:
        outcomes = started(FakeLoop(name), batch_id)
        assert outcomes.short < 0
        with pytest.raises(NotImplementedError):
            outcomes.keep("text")


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_what_cannot_be_sent_is_refused_by_itself(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format)
    outcomes = started(loop, batch_id)
    outcomes.add("before")
    with pytest.raises(EncodeError, match=r"result\.a"):
        outcomes.add({"a": object()})
    with pytest.raises(EncodeError):
        outcomes.add(object())
    outcomes.add("after")
    assert answered(loop, outcomes) == [["before"], ["after"]]


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_errors_stand_among_the_values(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format)
    outcomes = started(loop, batch_id)
    outcomes.add_error(Failure(100, "no", "own", data=[1], type="ValueError"))
    outcomes.add_error(Failure(101, "no", data=object()))
    first, second = (each["error"] for each in answered(loop, outcomes))
    assert first == {"error": "no", "code": "own", "data": [1], "type": "ValueError"}
    assert second["code"] == "unserialisable"


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_what_is_done_can_go_ahead(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format)
    outcomes = started(loop, batch_id)
    outcomes.add(1)
    outcomes.add(2)
    outcomes.send_part()
    outcomes.add(3)
    outcomes.send_part()
    outcomes.add(4)
    assert answered(loop, outcomes) == [[4]]
    assert parts(loop) == [(batch_id, 100, [[1], [2]]), (batch_id, 102, [[3]])]


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_nothing_goes_ahead_to_a_host_that_knows_no_parts(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format, parts=False)
    outcomes = started(loop, batch_id)
    outcomes.add("x" * 300_000)
    assert outcomes.large
    outcomes.send_part()
    assert not outcomes.large
    assert answered(loop, outcomes) == [["x" * 300_000]]
    assert parts(loop) == []


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_much_counts_as_large_whether_in_one_piece_or_in_many(format: str, batch_id: Any) -> None:
    outcomes = started(FakeLoop(format), batch_id)
    outcomes.add(["x" * 200_000])
    assert not outcomes.large
    outcomes.add(["x" * 100_000])
    assert outcomes.large
    outcomes.send_part()
    assert not outcomes.large


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_an_outcome_over_the_cap_costs_nobody_else(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format, max_frame=500_000)
    outcomes = started(loop, batch_id)
    outcomes.add("small")
    for value in ("x" * 500_000, ["x" * 600_000]):
        with pytest.raises(FrameTooLarge) as caught:
            outcomes.add(value)
        assert caught.value.limit == 500_000 <= caught.value.size
    outcomes.add_error(Failure(103, "no", data="x" * 500_000))
    small, error = answered(loop, outcomes)
    assert small == ["small"]
    assert error["error"]["code"] == "frame_too_large"


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_two_that_fit_only_one_by_one_do_not_share_a_frame(format: str, batch_id: Any) -> None:
    loop = FakeLoop(format, max_frame=500_000)
    outcomes = started(loop, batch_id)
    outcomes.add("x" * 200_000)
    outcomes.add("y" * 499_000)
    assert answered(loop, outcomes) == [["y" * 499_000]]
    assert parts(loop) == [(batch_id, 100, [["x" * 200_000]])]


@pytest.mark.parametrize(("format", "batch_id"), KINDS)
def test_an_answer_too_large_for_a_host_without_parts_is_a_failure(
    format: str, batch_id: Any
) -> None:
    loop = FakeLoop(format, max_frame=500_000, parts=False)
    outcomes = started(loop, batch_id)
    for _ in range(4):
        outcomes.add("x" * 200_000)
    loop.take(outcomes.answer())
    (failure,) = loop.sent
    assert isinstance(failure, Failure)
    assert "over the limit" in failure.error


def call_at(loop: FakeLoop, gathered: Gathered, index: int) -> Call:
    call = Call(loop, 100 + index, None)
    call.batch, call.index = gathered, index
    return call


def test_gathered_outcomes_keep_their_order() -> None:
    loop: Any = FakeLoop()
    gathered = loop.active[7] = Gathered(loop, 7, 100, 3)
    gathered.at_eof()
    for index in (2, 0, 1):
        assert loop.sent == []
        gathered.put(call_at(loop, gathered, index), [index])
    assert loop.sent == [Response(7, [[0], [1], [2]])]
    assert loop.active == {}


def test_a_gathered_outcome_that_cannot_be_sent_changes_nothing() -> None:
    loop: Any = FakeLoop()
    gathered = Gathered(loop, 7, 100, 1)
    call = call_at(loop, gathered, 0)
    with pytest.raises(EncodeError):
        gathered.put(call, [object()])
    gathered.put(call, ["instead"])
    assert loop.sent == [Response(7, [["instead"]])]


def test_gathered_outcomes_too_large_together_are_a_failure() -> None:
    loop: Any = FakeLoop(max_frame=500_000)
    gathered = Gathered(loop, 7, 100, 3)
    for index in range(3):
        gathered.put(call_at(loop, gathered, index), ["x" * 200_000])
    (failure,) = loop.sent
    assert (failure.id, failure.code) == (7, "frame_too_large")


def test_cancelling_gathered_calls_reaches_those_that_run() -> None:
    loop: Any = FakeLoop()
    gathered = Gathered(loop, 7, 100, 3)
    cancelled: list[int] = []
    for index in (0, 1):
        loop.active[100 + index] = SimpleNamespace(cancel=lambda n=index: cancelled.append(n))
    gathered.put(call_at(loop, gathered, 0), ["done"])
    gathered.cancel()
    assert cancelled == [1]


BODY = """
def text(self, n):
    return "x" * n

@expose(concurrent=True)
def beside(self):
    error = ValueError("no")
    error.data = object()
    raise error

async def soon(self):
    error = ValueError("no")
    error.data = object()
    raise error
"""


def test_a_backend_survives_a_batch_too_large_for_its_host(start: Start) -> None:
    host = start(BODY)
    large = {"cmd": "text", "first": 100, "params": [[1_000_000]] * 20}
    assert host.failure("$/batch", large)["code"] == "frame_too_large"
    assert host.call("text", [1]) == "x"


@pytest.mark.parametrize("name", ["beside", "soon"])
def test_an_error_whose_data_cannot_be_sent_still_ends_its_item(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    outcomes = host.call("$/batch", {"cmd": name, "first": 100, "params": [None] * 3})
    for each in outcomes:
        assert each["error"]["error"].startswith("no (its data could not be sent: ")
        assert each["error"]["type"] == "ValueError"


@pytest.mark.parametrize("max_frame", [1 << 24, 1 << 16])
def test_short_texts_that_wait_stand_in_order_with_what_became_text_at_once(max_frame: int) -> None:
    values = ['plain "quoted" \n', "ä\U0001f600", "x" * 2000, {"a": [1, None]}, "", 5, "\x00", None]
    loop = FakeLoop(max_frame=max_frame)
    outcomes = started(loop)
    for value in values:
        outcomes.add(value)
    assert answered(loop, outcomes) == [[value] for value in values]


def test_many_short_texts_make_parts_that_fit_however_they_are_escaped() -> None:
    loop = FakeLoop(max_frame=1 << 21)
    outcomes = started(loop)
    expected = []
    for _ in range(600):
        outcomes.add("\x01" * 1000)
        expected.append(["\x01" * 1000])
        if outcomes.large:
            outcomes.send_part()
    last = answered(loop, outcomes)
    assert [each for _, _, results in parts(loop) for each in results] + last == expected


@pytest.mark.parametrize("format", ["native", "jsonrpc"])
def test_a_part_is_no_larger_than_the_host_takes(format: str) -> None:
    loop = FakeLoop(format)
    loop.connection.limit_sending(3000)
    loop.host = Connection(format, "host", max_frame=3000)
    outcomes = started(loop)
    expected: list[Any] = [[[n] * 200] for n in range(20)]
    for (value,) in expected:
        outcomes.add(value)
    with pytest.raises(FrameTooLarge, match="limit of 3000 bytes"):
        outcomes.add("x" * 3000)
    last = answered(loop, outcomes)
    assert [outcome for _, _, part in parts(loop) for outcome in part] + last == expected
    assert len(parts(loop)) > 1
