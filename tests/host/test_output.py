"""What backends print and log, as log records."""

from __future__ import annotations

import logging

import pytest

from bridgekit.host.output import OutputLog, StderrEvent
from bridgekit.wire.messages import Event


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> OutputLog:
    caplog.set_level(logging.DEBUG, "bridgekit.backend.menu")
    log = OutputLog("menu")
    log.pid = 7
    return log


def printed(text: str, call: int | None = None) -> Event:
    return Event("$/output", {"stream": "stdout", "text": text}, call)


def test_printed_text_is_logged_by_lines(log: OutputLog, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("one", " line\r\nand", " another\n", "rest"):
        log.event(printed(text, 3))
    assert caplog.messages == ["one line", "and another"]
    log.close()
    log.close()
    assert caplog.messages[2:] == ["rest"]
    record = caplog.records[0]
    assert (record.name, record.levelno) == ("bridgekit.backend.menu", logging.INFO)
    assert (vars(record)["backend"], vars(record)["pid"]) == ("menu", 7)
    assert vars(record)["call_id"] == 3
    assert vars(record)["stream"] == "stdout"


def test_a_line_without_end_is_bounded(log: OutputLog, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        log.event(printed("x" * 8192))
    assert caplog.messages
    assert len(log._partial) <= 64 * 1024


def test_logs_keep_their_level(log: OutputLog, caplog: pytest.LogCaptureFixture) -> None:
    log.event(Event("$/log", {"level": "ERROR", "message": "bad", "logger": "db"}, 4))
    log.event(Event("$/log", {"level": "odd", "message": "100%"}))
    log.event(Event("$/log", "no object"))
    log.event(Event("$/output", {"text": 3}))
    log.event(Event("$/progress", {"progress": 1}))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "bad"),
        ("INFO", "100%"),
    ]
    assert vars(caplog.records[0])["source"] == "db"


def test_stderr_is_logged_from_its_lines_only(
    log: OutputLog, caplog: pytest.LogCaptureFixture
) -> None:
    event = StderrEvent("text\n")
    assert (event.topic, event.data) == ("$/output", {"stream": "stderr", "text": "text\n"})
    log.event(event)
    log.line("text")
    assert caplog.messages == ["text"]


def test_nothing_is_kept_when_nobody_listens() -> None:
    logging.getLogger("bridgekit.backend.deaf").setLevel(logging.CRITICAL)
    log = OutputLog("deaf")
    log.event(printed("kept?"))
    assert log._partial == ""
