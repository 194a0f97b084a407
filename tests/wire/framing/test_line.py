"""One frame a line, both ways."""

from __future__ import annotations

import pytest

from bridgekit.wire.framing.line import Framing
from tests.wire.ways import TRUNCATED, frames_of


@pytest.mark.parametrize("role", ["host", "backend"])
def test_lines(role: str) -> None:
    assert Framing(role, 100).wrap(b"{}") == b"{}\n"
    stream = b"a\n\n\nb\r\n\0c\n d "
    assert frames_of(lambda: Framing(role, 100), stream) == [b"a", b"b\r", b"\0c", TRUNCATED]
