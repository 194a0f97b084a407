"""The floor's child. Imports nothing but orjson, and does one thing per request.

``single`` answers one request at a time, ``batch`` answers each batch read with one write.
"""

from __future__ import annotations

from collections.abc import Callable
from os import read, write
from sys import argv

from orjson import dumps, loads

CHUNK = 65536


def echo(value: str) -> str:
    """Give the value back."""
    return value


def fire(count: int) -> int:
    """Write one frame per event."""
    for number in range(count):
        write(1, dumps({"cmd": "tick", "status": "event", "result": {"n": number}}) + b"\0")
    return count


TABLE: dict[str, Callable[..., object]] = {"echo": echo, "fire": fire}


def single() -> None:
    """Answer one request at a time, however many reads it comes in."""
    while data := read(0, CHUNK):
        if data[-1]:
            parts = [data]
            while data[-1]:
                data = read(0, CHUNK)
                parts.append(data)
            data = b"".join(parts)
        message = loads(data[:-1])
        result = TABLE[message["cmd"]](**message["params"])
        write(1, dumps({"id": message["id"], "status": "success", "result": result}) + b"\0")


def batch() -> None:
    """Answer all requests of one read with one write."""
    tail = b""
    while data := read(0, CHUNK):
        frames = (tail + data).split(b"\0")
        tail = frames.pop()
        replies = []
        for frame in frames:
            message = loads(frame)
            result = TABLE[message["cmd"]](**message["params"])
            replies.append(dumps({"id": message["id"], "status": "success", "result": result}))
        if replies:
            replies.append(b"")
            write(1, b"\0".join(replies))


if __name__ == "__main__":
    batch() if argv[1] == "batch" else single()
