"""Events from a thread of the backend's own, while it goes on answering calls."""

import threading

from bridgekit import PythonBridge


class Ticker(PythonBridge):
    """Sends a ``tick`` for as long as it is switched on."""

    def __init__(self):
        super().__init__()
        self._stop = threading.Event()
        self._thread = None

    def start(self, interval: float = 0.05) -> None:
        """Begin to tick, every ``interval`` seconds."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._tick, args=(interval,), daemon=True)
            self._thread.start()

    def stop(self) -> int:
        """Stop ticking; return how many ticks there were."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        return self.state.get("ticks", 0)

    def _tick(self, interval):
        while self._running and not self._stop.is_set():
            self.state["ticks"] = self.state.get("ticks", 0) + 1
            self.send_event("tick", {"n": self.state["ticks"]})
            self._stop.wait(interval)


if __name__ == "__main__":
    Ticker().run()
