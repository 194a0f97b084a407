"""Let matrix.py calculate: its numpy lives in the backend, not in this process."""

import sys
from pathlib import Path

from bridgekit import RemoteError
from bridgekit.blocking import ProcessManager


def main() -> None:
    with ProcessManager() as manager:
        backend = manager.spawn(Path(__file__).with_name("matrix.py"))
        x = backend.call("solve", {"a": [[3, 1], [1, 2]], "b": [9, 8]})
        print("x =", [round(value, 9) for value in x])
        line = backend.call("fit", {"x": [0, 1, 2], "y": [1, 3, 5]})
        print("height at 10:", round(backend.call("at", {"line": line, "x": 10}), 9))
        try:
            backend.call("solve", {"a": [[1, 1], [1, 1]], "b": [1, 2]})
        except RemoteError as error:
            print(f"{error.type}: {error.message}")
        print("numpy in this process:", "numpy" in sys.modules)


if __name__ == "__main__":
    main()
