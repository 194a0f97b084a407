"""A backend that shows what came with its calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from bridgekit import PythonBridge, current_call, expose


class Instrumented(PythonBridge):
    def headers(self, pause: float = 0.0) -> dict[str, str]:
        time.sleep(pause)
        return current_call().headers

    @expose(concurrent=True)
    def elsewhere(self) -> dict[str, str]:
        return current_call().headers

    async def later(self, delay: float = 0.0) -> dict[str, str]:
        await asyncio.sleep(delay)
        return current_call().headers

    def items(self, n: int) -> Iterator[dict[str, str]]:
        for _ in range(n):
            yield current_call().headers

    async def items_later(self, n: int) -> AsyncIterator[dict[str, str]]:
        for _ in range(n):
            yield current_call().headers

    def fail(self) -> None:
        raise ValueError("on purpose")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


if __name__ == "__main__":
    Instrumented().run()
