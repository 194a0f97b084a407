"""A backend for the tests of the command line: one method for each way a call can end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from bridgekit import PythonBridge, current_call


class Menu(PythonBridge):
    """Serves what the tests order."""

    def add(self, a: int, b: int = 10) -> int:
        """Add two numbers.

        The second one has a default.
        """
        return a + b

    def shout(self, text: str) -> str:
        """Return the text in capitals, and print a word meanwhile."""
        print("a stray word")
        return text.upper()

    def count(self, to: int) -> Iterator[int]:
        """Stream numbers."""
        for number in range(to):
            current_call().progress((number + 1) / to, message="counting")
            yield number

    def fail(self) -> None:
        """Raise."""
        raise LookupError("nothing there")

    def die(self) -> None:
        """End the process."""
        os.write(2, b"my last words\n")
        os._exit(7)

    def wait(self) -> None:
        """Take too long."""
        time.sleep(60)


if __name__ == "__main__":
    Menu().run()
