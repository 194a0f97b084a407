"""The wires `jsonrpc` and `lsp`, driven by the JSON-RPC library of VS Code."""

from __future__ import annotations

import sys

import pytest

from tests.hosts import javascript

pytestmark = [pytest.mark.js, pytest.mark.timeout(600)]  # the first test installs the library

FOLDER = javascript.HERE / "jsonrpc"


@pytest.fixture(scope="module")
def node() -> str:
    javascript.install(javascript.HERE)
    return javascript.find("node")


@pytest.mark.parametrize("wire", ["jsonrpc", "lsp"])
@pytest.mark.parametrize("check", javascript.exported(FOLDER / "checks.mjs"))
def test_peer(node: str, wire: str, check: str) -> None:
    printed = javascript.run(node, FOLDER / "run.mjs", wire, sys.executable, check)
    assert printed.splitlines()[-1] == f"{check}: fine"
