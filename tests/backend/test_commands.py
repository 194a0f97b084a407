from __future__ import annotations

from tests.backend.conftest import Start

BODY = """
def ready(self):
    return {**super().ready(), "mood": self.state.get("mood", "good")}

def spoil(self):
    self.state["mood"] = "bad"

def breaks(self):
    self.ready = None
"""


def test_ready_may_be_asked_again_and_is_the_authors(start: Start) -> None:
    host = start(BODY)
    first = host.call("ready")
    assert (first["status"], first["mood"]) == ("ready", "good")
    host.call("spoil")
    assert host.call("ready")["mood"] == "bad"


def test_commands_take_their_turn_among_calls(start: Start) -> None:
    until_asked = """
def spoil_once_asked(self):
    from bridgekit.backend import call
    while not call._main.loop.queue:
        os.sched_yield()
    self.spoil()
"""
    host = start(BODY + until_asked)
    host.start("spoil_once_asked")
    assert host.call("ready")["mood"] == "bad"


def test_a_command_that_fails_is_told(start: Start) -> None:
    host = start(BODY)
    host.call("breaks")
    assert host.failure("ready")["type"] == "TypeError"


def test_an_unknown_method_gets_a_hint(start: Start) -> None:
    error = start(BODY).failure("spoill")
    assert (error["type"], error["code"]) == ("MethodNotFound", "method_not_found")
    assert error["error"] == "there is no method 'spoill'; did you mean 'spoil'?"
    assert "traceback" not in error
