"""What a process finds that a backend starts on an interpreter without bridgekit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bridgekit
from bridgekit.backend import lent

FOLDER = Path(lent.__file__).parent
PROBE = """
import sys
sys.path = [sys.argv[1], *(each for each in sys.path if 'site-packages' not in each)]
import bridgekit, bridgekit.wire.format
from bridgekit import PythonBridge, BridgeError
from bridgekit.errors import BridgeError as same
assert BridgeError is same
print(bridgekit.__file__, bridgekit.__version__, *bridgekit.__path__)
"""


def test_it_is_the_real_package() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(FOLDER)],
        capture_output=True,
        text=True,
        check=True,
    )
    real = Path(bridgekit.__file__)
    assert done.stdout.split() == [str(real), bridgekit.__version__, str(real.parent)]


def test_the_folder_holds_nothing_else() -> None:
    names = {path.name for path in FOLDER.iterdir()} - {"__pycache__", "__init__.py"}
    assert names == {"bridgekit"}
