"""pyzmq's child: a PAIR socket that connects to the address in argv; an empty message ends it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import zmq
from orjson import dumps, loads


def echo(value: str) -> str:
    """Give the value back."""
    return value


def main(address: str) -> None:
    """Answer until an empty message comes."""
    link: Any = zmq.Context.instance().socket(zmq.PAIR)
    link.set_hwm(0)
    link.connect(address)

    def fire(count: int) -> int:
        for number in range(count):
            link.send(dumps({"cmd": "tick", "status": "event", "result": {"n": number}}))
        return count

    table: dict[str, Callable[..., object]] = {"echo": echo, "fire": fire}
    while frame := link.recv():
        message = loads(frame)
        result = table[message["cmd"]](**message["params"])
        link.send(dumps({"id": message["id"], "status": "success", "result": result}))


if __name__ == "__main__":
    main(sys.argv[1])
