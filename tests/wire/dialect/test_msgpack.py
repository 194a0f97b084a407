"""The native vocabulary in MessagePack."""

from __future__ import annotations

import pytest

from bridgekit.wire.connection import Connection
from bridgekit.wire.messages import Event, Request, Response

pytest.importorskip("msgpack")


def test_bytes_stay_bytes_both_ways() -> None:
    host, backend = Connection("msgpack", "host"), Connection("msgpack", "backend")
    data = host.send_request(1, "hash", {"data": b"\0\xff"})
    assert data == b"\0\0\0\x1f\x83\xa2id\x01\xa3cmd\xa4hash\xa6params\x81\xa4data\xc4\x02\0\xff"
    assert backend.receive_data(data) == [Request(1, "hash", {"data": b"\0\xff"})]
    assert host.receive_data(backend.send_result(1, b"\1")) == [Response(1, b"\1")]
    assert host.receive_data(backend.send_event("t", b"\2", 5)) == [Event("t", b"\2", 5)]


def test_there_is_nothing_to_seal_off() -> None:
    assert Connection("msgpack", "backend").preamble == b""
    assert not hasattr(Connection("msgpack", "backend").dialect, "part_text")
