"""Formats are found by name, and the lack of one is explained."""

from __future__ import annotations

import pytest

from bridgekit.errors import BridgeError
from bridgekit.wire import format as formats


def test_the_named_formats() -> None:
    assert set(formats.available_formats()) >= {"native", "jsonrpc", "lsp", "msgpack"}


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("native", ("null", "json", "native")),
        ("jsonrpc", ("line", "json", "jsonrpc")),
        ("lsp", ("header", "json", "jsonrpc")),
        ("msgpack", ("length", "msgpack", "msgpack")),
    ],
)
def test_each_is_a_triple(name: str, layers: tuple[str, str, str]) -> None:
    found = formats.load_format(name)
    homes = (found.framing.__module__, found.codec.__module__, found.dialect.__module__)
    assert tuple(home.rpartition(".")[2] for home in homes) == layers
    assert found.name == name


@pytest.mark.parametrize("name", ["nope", "", "_batch", "../native", "native.x", "__init__"])
def test_an_unknown_name_lists_those_that_there_are(name: str) -> None:
    with pytest.raises(BridgeError, match=r"no wire format called .*jsonrpc, lsp, msgpack, native"):
        formats.load_format(name)
    with pytest.raises(BridgeError, match="no wire format called"):
        formats.require_format(name)


def test_a_known_name_is_one_without_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "msgpack", None)
    formats.require_format("msgpack")


def test_a_fault_inside_a_format_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BridgeError, match="there is no codec called 'nope'"):
        formats._module("codec", "nope")
    monkeypatch.setitem(__import__("sys").modules, "bridgekit.errors", None)
    monkeypatch.delitem(__import__("sys").modules, "bridgekit.wire.codec.json", raising=False)
    with pytest.raises(ImportError):
        formats._module("codec", "json")
