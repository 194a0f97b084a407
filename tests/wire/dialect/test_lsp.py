"""JSON-RPC behind headers."""

from __future__ import annotations

from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Cancel, Request, Response


def test_frames() -> None:
    host, backend = Connection("lsp", "host"), Connection("lsp", "backend")
    data = host.send_request(1, "add", {"a": 1})
    assert data == (
        b'Content-Length: 58\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1}}'
    ).replace(b"58", b"56")
    both = b"printed\n" + data + host.send(Cancel(1))
    assert backend.receive_data(both)[1:] == [Request(1, "add", {"a": 1}), Cancel(1)]
    assert host.receive_data(backend.send_result(1, None)) == [Response(1, None)]
