"""Any bytes on a `native` wire."""

from __future__ import annotations

from fuzz.checks import check_wire


def one_input(data: bytes) -> None:
    """Both ends must understand or refuse them, the same however they are cut."""
    check_wire("native", data)
