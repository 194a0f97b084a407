"""The backend behind every bridgekit row: as plain as a backend can be."""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

from bridgekit import PythonBridge


class Bench(PythonBridge):
    """What the peers' children offer, and what the figures ask."""

    def echo(self, value):
        """Give the value back."""
        return value

    def fire(self, count):
        """Send that many small events."""
        for number in range(count):
            self.send_event("tick", {"n": number})
        return count

    def modules(self):
        """The names of all modules loaded in this process."""
        import sys

        return sorted(sys.modules)

    def executable(self):
        """The interpreter that runs this backend."""
        import sys

        return sys.executable

    def pid(self):
        """The id of this process."""
        import os

        return os.getpid()


if __name__ == "__main__":
    Bench().run()
