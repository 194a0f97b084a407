"""A backend that can be caught in any state: each method touches a marker, then never returns."""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

import os
import time

from bridgekit import PythonBridge

FOREVER = 600


def touch(marker):
    """Tell the harness that the state is reached."""
    os.close(os.open(marker, os.O_CREAT | os.O_WRONLY))


class Hostage(PythonBridge):
    """One method per state."""

    def idle(self, marker):
        """Reply at once and wait for what never comes."""
        touch(marker)

    def busy(self, marker):
        """Compute in Python."""
        touch(marker)
        end = time.monotonic() + FOREVER
        while time.monotonic() < end:
            pass

    def sleeping(self, marker):
        """Sleep with the interpreter lock released."""
        touch(marker)
        time.sleep(FOREVER)

    def holding(self, marker):
        """Sleep in C with the interpreter lock held."""
        import ctypes

        touch(marker)
        ctypes.PyDLL(None).sleep(FOREVER)

    def grandchild(self, marker):
        """Start a process of our own and wait for it."""
        import subprocess

        with subprocess.Popen(["sleep", str(FOREVER)]) as child:
            touch(marker)
            child.wait()


if __name__ == "__main__":
    Hostage().run()
