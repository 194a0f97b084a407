"""Calls from the backend to its host, from every kind of method and from threads."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit import BridgeError, PythonBridge
from tests.backend.conftest import Start
from tests.support.rawhost import RawHost

BODY = """
def named(self, x):
    return self.host.double(x=x)

def placed(self, x):
    return self.host.double(x)

def called(self, x, timeout=None):
    return self.host.call("double", {"x": x}, timeout=timeout)

async def soon(self, x, timeout=None):
    return await self.host.acall("double", {"x": x}, timeout=timeout)

async def blocks(self):
    return self.host.double(x=1)

@expose(concurrent=True)
def beside(self, x):
    return self.host.double(x=x)

def in_thread(self, x):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor() as pool:
        return pool.submit(self.host.call, "double", {"x": x}).result()

def in_background(self):
    import threading
    def work():
        self.send_event("answer", self.host.double(x=4))
    threading.Thread(target=work).start()

def add(self, a):
    return a + 1
"""

METHODS = ["named", "called", "soon", "beside", "in_thread"]


def answer(host: RawHost, **reply: Any) -> Any:
    """Answer the next call; return what was asked for."""
    event = host.event("$/call")
    host.send({"cmd": "$/reply", "params": {"call": event["call"], **reply}})
    return event["result"]


@pytest.mark.parametrize("name", METHODS)
def test_the_hosts_result_comes_back(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    for n in range(3):
        call = host.start(name, [n])
        assert answer(host, status="success", result=2 * n) == {"cmd": "double", "params": {"x": n}}
        assert host.reply(call)["result"] == 2 * n


def test_by_position(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("placed", [3])
    assert answer(host, status="success", result=6)["params"] == [3]
    assert host.reply(call)["result"] == 6


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"error": "no", "type": "KeyError", "traceback": "..."}, "RemoteError"),
        ({"error": "no", "code": "method_not_found"}, "MethodNotFound"),
        ({"error": "no", "code": "invalid_params"}, "InvalidParams"),
        ({"error": "no", "code": "cancelled"}, "CallCancelled"),
        ({"error": "no", "code": {"odd": 1}}, "RemoteError"),
    ],
)
def test_the_hosts_error_is_raised_in_the_method(
    start: Start, fields: dict[str, Any], kind: str
) -> None:
    host = start(BODY, hello=True)
    for name in ("called", "soon"):
        call = host.start(name, [1])
        answer(host, status="error", **fields)
        assert host.reply(call)["type"] == kind


@pytest.mark.parametrize("name", ["called", "soon"])
def test_a_host_that_does_not_answer_is_waited_for_only_so_long(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    error = host.failure(name, [1, 0.05])
    assert error["type"] == "CallTimeout"
    assert error["error"] == "the host did not answer 'double' within 0.05 s"
    late = host.event("$/call")
    host.send({"cmd": "$/reply", "params": {"call": late["call"], "status": "success"}})
    assert host.call("add", [1]) == 2


def test_the_calls_own_deadline_counts(start: Start) -> None:
    host = start(BODY, hello=True)
    assert host.failure("named", [1], timeout=0.05)["type"] == "CallTimeout"


@pytest.mark.parametrize("name", ["named", "soon", "in_thread"])
def test_a_waiting_call_can_be_cancelled(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(name, [1])
    host.event("$/call")
    if name != "in_thread":  # a pool waits for its threads, whatever is raised
        host.cancel(call)
        assert host.reply(call)["code"] == "cancelled"
        assert host.call("add", [1]) == 2


@pytest.mark.parametrize("name", ["named", "soon", "beside"])
def test_the_end_of_input_ends_the_wait(start: Start, name: str) -> None:
    host = start(BODY, hello=True)
    call = host.start(name, [1])
    host.event("$/call")
    host.close_stdin()
    assert host.reply(call)["error"] == "the host is gone"
    assert host.wait() == 0


def test_a_blocking_call_on_the_event_loop_is_refused(start: Start) -> None:
    host = start(BODY, hello=True)
    assert "await self.host.acall" in host.failure("blocks")["error"]


def test_a_thread_in_the_background_may_call_while_nothing_runs(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("in_background")
    answer(host, status="success", result=8)
    assert host.event("answer")["result"] == 8


def test_a_host_that_offers_nothing_is_not_asked(start: Start) -> None:
    host = start(BODY)
    assert "the host offers no functions" in host.failure("named", [1])["error"]
    with pytest.raises(BridgeError, match="offers no functions"):
        PythonBridge().host.anything()
    with pytest.raises(AttributeError):
        _ = PythonBridge().host._private
