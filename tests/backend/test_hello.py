from __future__ import annotations

import sys
from typing import Any

import pytest

from bridgekit import __version__
from tests.backend.conftest import Start
from tests.support.rawhost import FEATURES

BODY = """
def add(self, a):
    print("adding")
    return a + 1

def rows(self):
    yield 1

async def soon(self):
    return 1
@expose(idempotent=True)
def look(self):
    return 1
"""


def test_the_handshake_tells_who_and_what(start: Start) -> None:
    host = start(BODY)
    told = host.call("$/hello", {"protocol": 1, "host": "test", "features": [*FEATURES, "later"]})
    assert told == {
        "protocol": 1,
        "bridgekit": __version__,
        "features": list(FEATURES),
        "name": "B",
        "pid": host.process.pid,
        "python_version": sys.version.split()[0],
        "executable": sys.executable,
        "methods": ["add", "look", "rows", "soon"],
        "concurrent": ["soon"],
        "idempotent": ["look"],
        "limits": {"max_frame": 16 * 1024 * 1024, "max_depth": 128},
    }


def test_only_what_was_asked_for_is_switched_on(start: Start) -> None:
    host = start(BODY)
    assert host.hello(features=["stream"])["features"] == ["stream"]
    stream = host.start("rows")
    assert host.event("$/item")["call"] == stream
    assert host.call("add", [1]) == 2
    assert host.events("$/output") == []


@pytest.mark.parametrize("features", [None, "stream", {"stream": True}, []])
def test_features_that_are_no_list_switch_nothing_on(start: Start, features: Any) -> None:
    host = start(BODY)
    assert host.call("$/hello", {"protocol": 1, "features": features})["features"] == []
    assert host.call("rows") == [1]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"protocol": 2}, "the host speaks protocol 2, this backend 1"),
        ({"protocol": "1"}, "needs a protocol number, not '1'"),
        ({"protocol": 0}, "needs a protocol number, not 0"),
        ({"protocol": True}, "needs a protocol number, not True"),
        ([], "needs a protocol number, not None"),
        (None, "needs a protocol number, not None"),
    ],
)
def test_another_protocol_is_refused(start: Start, params: Any, said: str) -> None:
    host = start(BODY)
    error = host.failure("$/hello", params)
    assert (error["type"], error["code"]) == ("VersionMismatch", "version_mismatch")
    assert said in error["error"]
    assert host.call("add", [1]) == 2


def test_a_second_handshake_replaces_the_first(start: Start) -> None:
    host = start(BODY, hello=True)
    assert host.hello(features=[])["features"] == []
    assert host.call("rows") == [1]


# --- what the host takes -------------------------------------------------------------------------

LARGE = """
def text(self, n):
    return "x" * n

def values(self, n):
    return [1] * n

def tell(self, n):
    self.send_event("tick", "x" * n)

def rows(self):
    yield "x" * 100
    yield "x" * 5000

def show(self, n):
    print("\U0001f600" * n, end="")

def fail(self):
    raise ValueError("y" * 9000)

async def soon(self, n):
    return "x" * n
"""


def limited(start: Start, limits: Any) -> Any:
    host = start(LARGE)
    params = {"protocol": 1, "features": list(FEATURES), "limits": limits}
    assert host.call("$/hello", params)["limits"]["max_frame"] == 16 * 1024 * 1024
    return host


def test_nothing_is_sent_that_the_host_does_not_take(start: Start) -> None:
    host = limited(start, {"max_frame": 3000})
    for name, params in (
        ("text", [6000]), ("values", [3000]), ("tell", [5000]), ("rows", None), ("soon", [5000]),
    ):  # fmt: skip
        error = host.failure(name, params)
        assert (error["code"], error["type"]) == ("frame_too_large", "FrameTooLarge")
        assert "limit of 3000 bytes" in error["error"]
    assert host.events("tick") == []
    assert len(host.call("text", [2900])) == 2900
    assert host.failure("fail")["error"].startswith("yyyy")


def test_what_is_printed_comes_in_as_many_frames_as_it_takes(start: Start) -> None:
    host = limited(start, {"max_frame": 3000})
    host.call("show", [2000])
    texts = [event["result"]["text"] for event in host.events("$/output")]
    assert "".join(texts) == "\U0001f600" * 2000
    assert max(map(len, texts)) * 12 < 3000


@pytest.mark.parametrize("limits", [None, [], {}, {"max_frame": "3000"}, {"max_frame": None}])
def test_limits_that_say_nothing_limit_nothing(start: Start, limits: Any) -> None:
    host = limited(start, limits)
    assert len(host.call("text", [6000])) == 6000


def test_a_second_handshake_brings_its_own_limit(start: Start) -> None:
    host = limited(start, {"max_frame": 3000})
    host.hello()
    assert len(host.call("text", [6000])) == 6000
