"""Very many events: the short way says what the long way says."""

from __future__ import annotations

import pytest

from tests.backend.conftest import Start

BODY = """
def fire(self, count, value=None):
    for n in range(count):
        self.send_event("tick", {"n": n} if value is None else value)

def warm(self):
    deadline = time.monotonic() + 60
    while "send_event" not in self.__dict__:
        if time.monotonic() > deadline:
            return False
        self.send_event("warm", "x" * 2000)
    self.send_event("tick", None)
    return True

def far(self, topic, value):
    for _ in range(3):
        self.send_event(topic, 1)
    self.send_event(topic, value)

def odd(self):
    self.send_event("tick", {"a": None, "b": "é", "c": [1.5, True], "d": "x" * 1000, "e": {1}})
    self.send_event("tick")
    return "sent"

def nan(self):
    self.send_event("tick", float("nan"))

def wrong(self):
    self.send_event("$/tick", 1)

def unsendable(self):
    self.send_event("tick", object())

def in_thread(self):
    import threading
    thread = threading.Thread(target=self.send_event, args=("tick", 5))
    thread.start()
    thread.join()

async def soon(self):
    self.send_event("tick", 6)
"""


@pytest.fixture(params=["long way", "short way"])
def warm(request: pytest.FixtureRequest) -> bool:
    if request.param == "short way":
        pytest.importorskip("orjson")
        return True
    return False


def test_events_are_the_same_either_way(start: Start, warm: bool) -> None:
    host = start(BODY, hello=True)
    if warm:
        assert host.call("warm") is True
        host.events("warm")
        host.events("tick")
    call = host.start("odd")
    host.reply(call)
    odd, none = host.events("tick")
    assert odd == {
        "cmd": "tick",
        "status": "event",
        "result": {"a": None, "b": "é", "c": [1.5, True], "d": "x" * 1000, "e": [1]},
        "call": call,
    }
    assert none["result"] is None
    for name in ("nan", "unsendable"):
        assert host.failure(name)["code"] == "unserialisable"
    assert host.failure("wrong")["type"] == "ValueError"
    host.call("in_thread")
    assert host.event("tick") == {"cmd": "tick", "status": "event", "result": 5}
    call = host.start("soon")
    host.reply(call)
    assert host.event("tick")["call"] == call


def test_thousands_come_whole_and_in_order(start: Start, warm: bool) -> None:
    host = start(BODY, hello=True)
    if warm:
        assert host.call("warm") is True
        host.events("tick")
    host.call("fire", [20_000])
    assert [each["result"]["n"] for each in host.events("tick")] == list(range(20_000))


def test_a_subclass_that_has_its_own_keeps_it(start: Start) -> None:
    host = start(
        BODY
        + "def send_event(self, topic, data=None):\n"
        + "    super().send_event(topic + '!', data)\n"
    )
    host.call("fire", [2000])
    assert len(host.events("tick!")) == 2000


@pytest.mark.parametrize("call_id", ["a", "é", 7.5, 2**70, True], ids=repr)
def test_events_tell_the_call_whatever_its_id(start: Start, warm: bool, call_id: object) -> None:
    host = start(BODY, hello=True)
    if warm:
        assert host.call("warm") is True
        host.events("warm")
        host.events("tick")
    for number in (99, call_id, 99):  # its id, and not the one of the call before it
        host.send({"id": number, "cmd": "fire", "params": [2]})
        host.reply(number)
        calls = [each["call"] for each in host.events("tick")]
        assert calls == [number, number]
        assert type(calls[1]) is type(number)


def test_a_topic_of_any_length_and_letters(start: Start, warm: bool) -> None:
    host = start(
        BODY + "def say(self, topic):\n    for n in range(3):\n        self.send_event(topic, n)\n",
        hello=True,
    )
    if warm:
        assert host.call("warm") is True
    for topic in ('é"\\\n', "t" * 5000):
        host.call("say", [topic])
        assert [each["result"] for each in host.events(topic)] == [0, 1, 2]


def test_the_limit_of_the_host_counts_for_both_ways(start: Start, warm: bool) -> None:
    host = start(BODY, hello=True)
    if warm:
        assert host.call("warm")
    host.call("$/hello", {"protocol": 1, "limits": {"max_frame": 1024}})
    assert host.failure("fire", {"count": 1, "value": "x" * 1020})["code"] == "frame_too_large"
    host.call("fire", {"count": 2, "value": "x" * 900})
    assert [event["result"] for event in host.events("tick")][-2:] == ["x" * 900] * 2
    topic = "\0" * 150  # 900 bytes, and with a value of 250 too many
    assert host.failure("far", {"topic": topic, "value": "x" * 250})["code"] == "frame_too_large"
