"""Draw a progress bar while primes.py streams its results."""

import sys
from pathlib import Path

import anyio

from bridgekit import ProcessManager


def bar(event) -> None:
    done = event.data["progress"]
    print(f"\r[{'#' * round(done * 20):20}] {done:4.0%}", end="", file=sys.stderr, flush=True)


async def main() -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(Path(__file__).with_name("primes.py"))
        stream = backend.stream("below", {"limit": 100}, on_event=bar)
        primes = [prime async for prime in stream]
        print(file=sys.stderr)
        print(f"{len(primes)} primes, the last is {primes[-1]}")


if __name__ == "__main__":
    anyio.run(main)
