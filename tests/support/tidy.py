"""A backend that counts what only the garbage collector finds, in its own process and in ours."""

# mypy: ignore-errors

from __future__ import annotations

import gc
from pathlib import Path

from bridgekit import PythonBridge, current_call

SCRIPT = str(Path(__file__))
TIMES = 50
"""How often each thing is done: what leaves one object behind leaves as many as this."""

CALLS = {
    "call": lambda backend: backend.call("add", {"a": 1}),
    "proxy": lambda backend: backend.proxy.add(a=1),
    "call of a coroutine": lambda backend: backend.call("add_later", {"a": 1}),
    "call_many": lambda backend: backend.call_many("add", [{"a": 1}] * 30),
    "collected rows": lambda backend: backend.call("rows", {"count": 3}),
    "events of a call": lambda backend: backend.call("fire", {"count": 3}, on_event=len),
    "idempotent": lambda backend: backend.call("add", {"a": 1}, idempotent=True),
    "host function": lambda backend: backend.call("ask"),
}
"""What a host on an event loop and one without say alike."""


class Tidy(PythonBridge):
    """A method of each kind."""

    def __init__(self):
        super().__init__()
        try:  # what the bridge would load later on leaves garbage, once
            import orjson  # noqa: F401
        except ImportError:
            pass

    def add(self, a: int, b: int = 0) -> int:
        return a + b

    async def add_later(self, a: int) -> int:
        return a

    def fail(self):
        raise ValueError("no")

    def rows(self, count):
        yield from range(count)

    async def async_rows(self, count):
        for number in range(count):
            yield number

    def fire(self, count):
        for number in range(count):
            self.send_event("tick", {"n": number})
        current_call().progress(1.0)

    def ask(self):
        return self.host.call("twice", {"value": 2})

    def begin(self):
        """Start to count in this process."""
        gc.collect()
        gc.disable()

    def end(self):
        """How many objects were left behind."""
        try:
            return gc.collect()
        finally:
            gc.enable()


if __name__ == "__main__":
    Tidy().run()
