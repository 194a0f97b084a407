"""A backend that misbehaves by name: at its start, as its file of moods says, or when called.

Each start takes the first line of the file named in MOODS, if there is one left.
"""

# mypy: ignore-errors

import os
import signal
import sys
import time

from bridgekit import PythonBridge, expose


def mood():
    path = os.environ.get("MOODS")
    if not path or not os.path.exists(path):
        return "good"
    with open(path) as file:
        moods = file.read().split("\n")
    with open(path, "w") as file:
        file.write("\n".join(moods[1:]))
    return moods[0] or "good"


MOOD = mood()
if MOOD == "crash before":
    sys.stderr.write("no mood for this\n")
    sys.exit(3)
if MOOD == "hang":
    time.sleep(60)
if MOOD == "garbage":
    os.write(1, b"this is no frame\0")
    os._exit(4)


class Moody(PythonBridge):
    def ready(self):
        if MOOD == "exit after":
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        return super().ready()

    def pid(self):
        return os.getpid()

    def add(self, a: int, b: int):
        return a + b

    def sleep(self, seconds: float):
        time.sleep(seconds)
        return os.getpid()

    def spin(self, seconds: float):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return os.getpid()

    def hold(self, seconds: float):
        """Hold the interpreter in C: nothing is answered, the control lane included."""
        import ctypes

        ctypes.PyDLL(None).usleep(int(seconds * 1e6))
        return os.getpid()

    def die(self, code: int = 3):
        os._exit(code)

    def die_once(self, marker: str):
        """Die the first time, answer the second."""
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return os.getpid()
        os._exit(5)

    @expose(idempotent=True)
    def look_once(self, marker: str):
        """As die_once, but declared to do no harm twice."""
        return self.die_once(marker)

    def deaf(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def eat(self, size: int):
        self.eaten = bytearray(os.urandom(1)) * size
        return os.getpid()

    def on_stop(self):
        if os.environ.get("LINGER"):
            time.sleep(60)


if __name__ == "__main__":
    Moody().run()
