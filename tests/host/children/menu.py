"""A bridgekit backend with a menu of named behaviours and misbehaviours for the host's tests."""

# mypy: ignore-errors

import os
import signal
import sys
import time

from bridgekit import PythonBridge, current_call, expose


class Menu(PythonBridge):
    """Everything that a host has to cope with."""

    def add(self, a: int, b: int = 0) -> int:
        return a + b

    def echo(self, value):
        return value

    def fail(self, message: str):
        error = ValueError(message)
        error.code = "teapot"
        error.data = {"cups": 2}
        raise error

    def sleep(self, seconds: float):
        time.sleep(seconds)
        return "slept"

    def hold(self, seconds: float):
        """Hold the GIL in C, where no exception can be raised."""
        import ctypes

        ctypes.PyDLL(None).usleep(int(seconds * 1e6))
        return "held"

    def stubborn(self):
        """Swallow every cancellation."""
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    def rows(self, n: int, size: int = 0):
        try:
            for index in range(n):
                yield "x" * size if size else index
        finally:
            self.send_event("rows.closed")
        return "the end"

    def rows_then_fail(self):
        yield 1
        yield 2
        raise RuntimeError("no more rows")

    def slow_rows(self):
        yield "first"
        time.sleep(60)
        yield "never"

    def plain_list(self):
        return [1, 2, 3]

    def work(self, steps: int):
        for step in range(steps):
            current_call().progress((step + 1) / steps, message=f"step {step}")
            print("printed", step)
            current_call().log(f"logged {step}", level="warning")
        return steps

    def fire(self, topic: str, count: int, size: int = 1):
        for number in range(count):
            self.send_event(topic, {"n": number, "pad": "x" * size})
        return count

    def die(self, code: int = 3):
        sys.stderr.write("my last words\n")
        sys.stderr.flush()
        os._exit(code)

    def kill_self(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def close_wire(self):
        """Close every descriptor but stderr, and live on."""
        for fd in range(3, 64):
            try:
                os.close(fd)
            except OSError:
                pass
        time.sleep(60)

    def whisper(self, text: str):
        sys.stderr.write(text)
        sys.stderr.flush()

    def pid(self):
        return os.getpid()

    def environment(self):
        return dict(os.environ)

    def ask_host(self, name: str, params: dict):
        return getattr(self.host, name)(**params)

    def ignore_sigterm(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def slow_shutdown(self):
        self.linger = True

    def on_stop(self):
        if getattr(self, "linger", False):
            self.send_event("lingering")
            time.sleep(60)

    @expose(concurrent=True)
    def nap(self, seconds: float):
        time.sleep(seconds)
        return seconds


if __name__ == "__main__":
    Menu().run()
