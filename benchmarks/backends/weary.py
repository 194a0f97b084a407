"""A backend that sleeps, works or says who it is: for what its host does meanwhile."""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

import os
import time

from bridgekit import PythonBridge


class Weary(PythonBridge):
    """What the benchmarks of supervision ask."""

    def pid(self):
        """The id of this process."""
        return os.getpid()

    def sleep(self, seconds):
        """Take that long and no CPU."""
        time.sleep(seconds)

    def work(self, rounds):
        """Take CPU: always the same amount for the same number."""
        total = 0
        for number in range(rounds):
            total += number * number
        return total


if __name__ == "__main__":
    Weary().run()
