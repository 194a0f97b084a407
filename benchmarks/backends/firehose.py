"""A backend that sends more events than anybody wants to read."""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

import threading

from bridgekit import PythonBridge


class Firehose(PythonBridge):
    """Events from a thread of its own, and events from within calls."""

    def __init__(self):
        """Nothing is sent until asked for."""
        super().__init__()
        self._sent = 0

    def echo(self, value):
        """Give the value back."""
        return value

    def open(self, total, size):
        """Start a thread that sends ``total`` bytes in events of ``size`` bytes."""
        threading.Thread(target=self._spray, args=(total, "x" * size), daemon=True).start()

    def _spray(self, total, text):
        while self._sent < total:
            self.send_event("water", text)
            self._sent += len(text)

    def sent(self):
        """How many bytes the thread got rid of so far."""
        return self._sent

    def splash(self, value, count):
        """Send some events in the middle of a call."""
        for number in range(count):
            self.send_event("splash", {"n": number, "value": value})
        return value


if __name__ == "__main__":
    Firehose().run()
