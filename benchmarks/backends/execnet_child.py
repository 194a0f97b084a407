"""Source that execnet runs in its gateway, which provides ``channel``."""

from __future__ import annotations

from typing import Any

channel: Any = globals().get("channel")


def echo(value: str) -> str:
    """Give the value back."""
    return value


def fire(count: int) -> int:
    """Send one item per event."""
    for number in range(count):
        channel.send({"cmd": "tick", "status": "event", "result": {"n": number}})
    return count


if __name__ == "__channelexec__":
    table: dict[str, Any] = {"echo": echo, "fire": fire}
    for message in channel:
        result = table[message["cmd"]](**message["params"])
        channel.send({"id": message["id"], "status": "success", "result": result})
