"""``docs/protocol.md`` says what the library does: every frame in it, in both directions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bridgekit.backend import streams
from bridgekit.backend.hello import FEATURES
from bridgekit.host import handshake
from bridgekit.wire import messages
from bridgekit.wire.connection import MAX_DEPTH, MAX_FRAME, Connection
from bridgekit.wire.dialect._rpcerror import NUMBERS
from bridgekit.wire.format import available_formats
from bridgekit.wire.messages import Malformed, Response

PAGE = Path(__file__).resolve().parents[2] / "docs/protocol.md"
TEXT = PAGE.read_text("utf-8")

_BLOCK = re.compile(
    r"^```text wire=(?P<wire>\w+) from=(?P<sender>host|backend)(?P<hex> hex)?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PICTURES = str.maketrans({"␀": "\0", "␊": "\n", "␍": "\r"})


class Example(NamedTuple):
    """Bytes and what they mean; ``exact`` where these are the bytes that bridgekit sends."""

    line: int
    wire: str
    sender: str
    data: bytes
    exact: bool
    meaning: list[tuple[str, dict[str, Any]]]


def examples() -> list[Example]:
    found = []
    for block in _BLOCK.finditer(TEXT):
        line = TEXT.count("\n", 0, block.start()) + 1
        shown: list[str] = []
        meaning: list[tuple[str, str]] = []
        for text in [*block["body"].splitlines(), ""]:
            line += 1
            if text.startswith("    "):
                mark, _, said = text.strip().partition(" ")
                assert mark in "=~", f"line {line}: {text}"
                meaning.append((mark, said))
                continue
            if meaning:
                data = "".join(shown)
                frame = bytes.fromhex(data) if block["hex"] else data.translate(_PICTURES).encode()
                assert len({mark for mark, _ in meaning}) == 1
                found.append(
                    Example(
                        line - 1, block["wire"], block["sender"], frame,
                        meaning[0][0] == "=", [read(said) for _, said in meaning if said != "nothing"],
                    )
                )  # fmt: skip
                shown, meaning = [], []
            shown.append(text)
    return found


def read(said: str) -> tuple[str, dict[str, Any]]:
    kind, _, fields = said.partition(" ")
    return kind, json.loads(fields, object_hook=from_hex)


def from_hex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["$hex"]) if set(value) == {"$hex"} else value


EXAMPLES = examples()


def expected(kind: str, fields: dict[str, Any]) -> Any:
    if kind == "Malformed":
        return kind, fields["id"], fields["code"]
    if kind == "Ready":
        return Response(0, fields["info"])
    return getattr(messages, kind)(**fields)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"line {e.line}: {e.wire} {e.sender}")
def test_an_example(example: Example) -> None:
    if example.wire == "msgpack":
        pytest.importorskip("msgpack")
    receiver = Connection(example.wire, "backend" if example.sender == "host" else "host")
    for size in (1, len(example.data)):
        got: list[Any] = []
        for at in range(0, len(example.data), size):
            got += receiver.receive_data(example.data[at : at + size])
        got = [("Malformed", m.id, m.error.code) if isinstance(m, Malformed) else m for m in got]
        assert got == [expected(*each) for each in example.meaning]
        assert receiver.receive_eof() == []
    if example.exact:
        sender = Connection(example.wire, example.sender)
        sent = b"".join(say(sender, *each) for each in example.meaning)
        assert sent == example.data


def say(sender: Connection, kind: str, fields: dict[str, Any]) -> bytes:
    return sender.send_ready(**fields) if kind == "Ready" else sender.send(expected(kind, fields))


def test_every_block_with_frames_was_read() -> None:
    assert len(EXAMPLES) > 60
    assert sum(example.exact for example in EXAMPLES) > 40
    assert TEXT.count("```text wire=") == len(list(_BLOCK.finditer(TEXT)))
    assert {example.wire for example in EXAMPLES} == set(available_formats())
    kinds = {kind for example in EXAMPLES for kind, _ in example.meaning}
    assert kinds >= {"Request", "Response", "Failure", "Event", "Cancel", "Malformed", "Ready"}


DESIGN = [
    b'{"id":1,"cmd":"greet","params":{"name":"Ada"}}\n',
    b'{"id":1,"status":"success","result":{"greeting":"Hello, Ada!"}}\0',
    b'"status":"error","error":"division by zero","traceback":"Traceback ..."}\0',
    b'{"cmd":"tick","status":"event","result":{"n":1}}\0',
]


@pytest.mark.parametrize("frame", DESIGN, ids=repr)
def test_the_frames_of_the_bridges_before_are_among_them(frame: bytes) -> None:
    assert any(frame in example.data for example in EXAMPLES if example.exact)


# --- numbers and names ------------------------------------------------------------------------


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under the line of column names that starts with ``heading``."""
    lines = TEXT[TEXT.index(f"| {heading} |") :].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_the_limits() -> None:
    values = [row[1] for row in rows("limit")]
    assert values == [
        str(MAX_FRAME), str(MAX_DEPTH), f"{streams.WINDOW} items, {streams.WINDOW_BYTES} bytes",
    ]  # fmt: skip


def test_the_numbers_of_json_rpc() -> None:
    told = {
        code: int(number)
        for number, codes in rows("number")
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert told == NUMBERS


def test_the_codes() -> None:
    codes = {row[0].strip("`") for row in rows("code")}
    assert codes == set(NUMBERS) - {"stray_output"}, "a backend is sent no stray output"


def test_the_features() -> None:
    told = [row[0].strip("`") for row in rows("feature")]
    assert told == list(FEATURES) == list(handshake.FEATURES)


def test_the_formats() -> None:
    told = [tuple(cell.strip("`").lower() for cell in row) for row in rows("format")]
    assert sorted(name for name, *_ in told) == available_formats()
    for name, framing, codec, _ in told:
        if name == "msgpack":
            pytest.importorskip("msgpack")
        connection = Connection(name)
        assert connection.framing.__module__.endswith(f".{framing}")
        assert connection.codec.__module__.endswith(f".{codec.replace('messagepack', 'msgpack')}")
