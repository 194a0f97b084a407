"""What the JavaScript hosts are tried against: a menu of behaviours, good and bad."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from bridgekit import PythonBridge, current_call


class RefusedError(ValueError):
    code = "refused"
    data = {"limit": 3}


class Menu(PythonBridge):
    def echo(self, value):
        return value

    def length(self, text: str) -> int:
        return len(text.encode())

    def repeat(self, text: str, times: int) -> str:
        return text * times

    def add(self, a: int, b: int) -> int:
        return a + b

    def nothing(self) -> None:
        pass

    # -- errors ----------------------------------------------------------------------------

    def divide(self, a, b):
        return a / b

    def refuse(self):
        raise RefusedError("three is the most, not ✗")

    def unsendable(self):
        return {"rows": [1.0, float("nan")]}

    # -- events, output, streams -----------------------------------------------------------

    def emit(self, topic: str, count: int) -> int:
        """Send events from a thread, beside the reply."""

        def send() -> None:
            for n in range(count):
                self.send_event(topic, {"n": n, "text": "ünï ✓ 😀"})

        thread = threading.Thread(target=send)
        thread.start()
        thread.join()
        return count

    def shout(self, lines: int) -> int:
        """Print to stdout, to stderr and past Python to descriptor 1."""
        for n in range(lines):
            print("stdout", n, "é" * 50)
            print("stderr", n, "é" * 50, file=sys.stderr)
            os.write(1, b"descriptor 1\0\n")
        return lines

    def count(self, to: int, fail_at: int = -1, size: int = 0):
        for n in range(to):
            if n == fail_at:
                raise RefusedError(f"not beyond {n}")
            yield "x" * size if size else n
        return "all"

    def forever(self):
        """Yield until the caller has had enough; say on the way out that it was told so."""
        try:
            n = 0
            while True:
                yield n
                n += 1
        finally:
            self.state["left"] = True

    def work(self, steps: int) -> str:
        for step in range(steps):
            current_call().progress((step + 1) / steps, message=f"step {step + 1}")
        return "done"

    def remember(self, name: str, value) -> None:
        self.state[name] = value

    def ask(self, question: str):
        return self.host.answer(question=question)

    def recall(self, name: str):
        return self.state.get(name)

    # -- being busy, and ending ------------------------------------------------------------

    def sleep(self, seconds: float) -> None:
        try:
            self.send_event("asleep", None)
            time.sleep(seconds)
        finally:
            self.state["woken"] = True

    def spin(self) -> None:
        try:
            self.send_event("spinning", None)
            while True:
                pass
        finally:
            self.state["stopped spinning"] = True

    def exit(self, status: int) -> None:
        print("no more of this, thé end", file=sys.stderr)
        sys.stderr.flush()
        os._exit(status)

    def kill(self, number: int) -> None:
        os.kill(os.getpid(), number)

    def stubborn(self) -> None:
        """Neither a shutdown, nor end of file, nor a polite signal ends this."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.send_event("stubborn", None)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue

    def shutdown(self):
        print("the shutdown hook ran", file=sys.stderr)
        return super().shutdown()

    # -- outliving the host, which must not happen -----------------------------------------

    def hold(self, fifo: str, how: str) -> None:
        """Keep ``fifo`` open as long as this process lives, and be ``how`` from then on."""
        self._alive = os.open(fifo, os.O_WRONLY)
        os.write(self._alive, b"!")
        if how == "busy in Python":
            while True:
                pass
        elif how == "sleeping":
            time.sleep(3600)
        elif how == "holding the GIL":
            sum(range(10**15))


if __name__ == "__main__":
    if "--no-start" in sys.argv:
        raise ImportError("nothing by that name, sørry")
    if "--chatty" in sys.argv:
        os.write(1, b"a banner, printed before the wire was claimed\n")
    Menu().run()
