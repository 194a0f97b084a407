"""Call echo.py from asynchronous code: results, many calls at once, and an exception."""

from pathlib import Path

import anyio

from bridgekit import ProcessManager, RemoteError


async def main() -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(Path(__file__).with_name("echo.py"))
        print(await backend.call("greet", {"name": "Ada"}))
        print(await backend.proxy.echo(value=[1, 2.5, None, "ä"]))

        quotients = await backend.call_many("divide", [{"a": n, "b": 4} for n in range(5)])
        print(quotients)

        try:
            await backend.call("divide", {"a": 1, "b": 0})
        except RemoteError as error:
            print(f"{error.type}: {error.message}")


if __name__ == "__main__":
    anyio.run(main)
