"""The naive bridge's child: a loop over ``sys.stdin``, ``json``, ``print(..., flush=True)``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable


def echo(value: str) -> str:
    """Give the value back."""
    return value


def fire(count: int) -> int:
    """Print one line per event."""
    for number in range(count):
        print(json.dumps({"cmd": "tick", "status": "event", "result": {"n": number}}), flush=True)
    return count


TABLE: dict[str, Callable[..., object]] = {"echo": echo, "fire": fire}

if __name__ == "__main__":
    for line in sys.stdin:
        message = json.loads(line)
        answer = TABLE[message["cmd"]](**message["params"])
        reply = {"id": message["id"], "status": "success", "result": answer}
        print(json.dumps(reply), flush=True)
