"""A backend that uses all that is lent to it. Keeps to CPython 3.9, and needs nothing installed."""

from __future__ import annotations

import asyncio
import importlib.util
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import bridgekit
from bridgekit import PythonBridge, current_call


@dataclass
class Point:
    x: int
    y: int


def double(number: int) -> int:
    return 2 * number


class Lodger(PythonBridge):
    def add(self, a: int, b: int = 1) -> int:
        return a + b

    def where(self) -> dict[str, object]:
        return {
            "version": "{}.{}".format(*sys.version_info),
            "executable": sys.executable,
            "bridgekit": str(Path(bridgekit.__file__).resolve()),
            "release": bridgekit.__version__,
        }

    def finds(self, names: list[str]) -> list[str]:
        return [name for name in names if importlib.util.find_spec(name) is not None]

    def count(self, n: int) -> Iterator[int]:
        yield from range(n)

    async def later(self, value: str, delay: float = 0.0) -> str:
        await asyncio.sleep(delay)
        return value

    async def count_later(self, n: int) -> AsyncIterator[int]:
        for number in range(n):
            await asyncio.sleep(0)
            yield number

    def tell(self) -> None:
        print("printed")
        call = current_call()
        call.progress(0.5, message="half")
        call.log("logged")
        self.send_event("told", {"n": 1})

    def ask(self, question: str) -> object:
        return self.host.call("answer", {"question": question})

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def fail(self) -> None:
        raise ValueError("on purpose")

    def plot(self) -> None:
        import no_such_plotting_package  # noqa: F401

    def measure(self, point: Point) -> int:
        return point.x + point.y

    def spread(self, numbers: list[int]) -> list[int]:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.map(double, numbers)


if __name__ == "__main__":
    Lodger().run()
