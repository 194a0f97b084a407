"""The backend of ``bridgekit demo``: ten lines of what a backend author writes, and a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bridgekit import PythonBridge, current_call


class Demo(PythonBridge):
    """Something of everything."""

    def greet(self, name: str) -> str:
        """Say hello."""
        print(f"a stray print, while greeting {name}")  # cannot touch the wire
        return f"Hello, {name}!"

    def squares(self, count: int) -> Iterator[int]:
        """Stream square numbers, with progress, and an event for every tenth."""
        for number in range(1, count + 1):
            current_call().progress(number / count, message=f"{number} of {count}")
            if number % 10 == 0:
                self.send_event("milestone.ten", {"number": number})
            yield number * number

    def divide(self, a: int, b: int) -> float:
        """Divide; dividing by zero is how errors are shown."""
        return a / b

    def crash(self) -> None:
        """Die the way native code dies: at once, with a word on stderr."""
        os.write(2, b"fatal: simulated failure in native code\n")
        os.kill(os.getpid(), 9)


if __name__ == "__main__":
    Demo().run()
