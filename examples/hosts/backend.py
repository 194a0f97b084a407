"""The backend that the hosts beside this file start: one method for each thing they show."""

import os
import sys
import threading
import time

from bridgekit import PythonBridge, current_call


class Workshop(PythonBridge):
    def __init__(self):
        super().__init__()
        threading.Thread(target=self._tick, daemon=True).start()

    def greet(self, name: str) -> dict:
        return {"greeting": f"Hello, {name}!"}

    def divide(self, a: int, b: int) -> float:
        return a / b

    def primes(self, below: int):
        """Yield the prime numbers one by one, as they are found."""
        for number in range(2, below):
            if all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
                yield number

    def work(self, steps: int, seconds: float = 0.1) -> str:
        """Take a while, and say how far it is."""
        for step in range(steps):
            time.sleep(seconds)
            current_call().progress((step + 1) / steps, message=f"step {step + 1} of {steps}")
        return "done"

    def crash(self) -> None:
        """Die as a fault in an extension module would make it."""
        print("corrupted double-linked list (not really)", file=sys.stderr, flush=True)
        os.abort()

    def _tick(self) -> None:
        count = 0
        while self._running:
            count += 1
            self.send_event("tick", {"count": count})
            time.sleep(0.2)


if __name__ == "__main__":
    Workshop().run()
