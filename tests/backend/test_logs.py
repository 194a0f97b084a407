from __future__ import annotations

from tests.backend.conftest import Start

BODY = """
import logging

def on_start(self):
    import logging
    logging.basicConfig(level="INFO", format="to stderr: %(message)s")

def logs(self):
    import logging
    logging.getLogger("mine.deep").info("n is %d", 3)
    logging.debug("unheard")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("failed")

def broken(self):
    import logging
    logging.warning("%d", "no number")

def background(self):
    import logging, threading
    thread = threading.Thread(target=lambda: logging.warning("from a thread"))
    thread.start()
    thread.join()

def handlers(self):
    import logging
    return [type(handler).__name__ for handler in logging.getLogger().handlers]
"""


def test_records_become_events_of_their_call(start: Start) -> None:
    host = start(BODY, hello=True)
    call = host.start("logs")
    host.reply(call)
    info, error = host.events("$/log")
    assert info["call"] == error["call"] == call
    assert info["result"] == {"level": "info", "message": "n is 3", "logger": "mine.deep"}
    assert error["result"]["level"] == "error"
    assert error["result"]["message"].startswith("failed\nTraceback")
    assert "to stderr: n is 3" in host.errors()


def test_a_record_of_no_call_is_tied_to_none(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("background")
    assert "call" not in host.event("$/log")


def test_the_handler_is_added_once(start: Start) -> None:
    host = start(BODY, hello=True)
    host.hello()
    assert host.call("handlers") == ["StreamHandler", "HostHandler"]


def test_a_broken_record_is_reported_as_logging_does(start: Start) -> None:
    host = start(BODY, hello=True)
    host.call("broken")
    assert host.events("$/log") == []
    assert "--- Logging error ---" in host.errors()


def test_without_the_feature_nothing_is_sent(start: Start) -> None:
    host = start(BODY)
    host.call("logs")
    assert host.frames == []
    assert host.call("handlers") == ["StreamHandler"]


def test_nothing_is_loaded_for_a_backend_that_does_not_log(start: Start) -> None:
    host = start("def loaded(self):\n    return 'logging' in sys.modules\n", hello=True)
    assert host.call("loaded") is False


def test_records_after_the_end_go_nowhere(start: Start) -> None:
    host = start(
        BODY.replace("def logs", "def on_stop(self):\n    self.logs()\n\ndef logs"), hello=True
    )
    host.call("shutdown")
    assert host.wait() == 0
    assert [each["result"]["logger"] for each in host.events("$/log")] == ["mine.deep", "root"]


def test_a_record_is_cut_to_what_the_host_takes(start: Start) -> None:
    body = BODY + "\ndef long(self):\n    import logging\n    logging.warning('x' * 9000)\n"
    host = start(body)
    limits = {"max_frame": 3000}
    host.call("$/hello", {"protocol": 1, "features": ["log"], "limits": limits})
    host.call("long")
    (event,) = host.events("$/log")
    assert 100 < len(event["result"]["message"]) < 3000
