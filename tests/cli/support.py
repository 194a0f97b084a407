"""Runs the ``bridgekit`` command as a person does: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MENU = Path(__file__).parent / "targets" / "menu.py"


def bridgekit(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``bridgekit WORDS`` to its end."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "bridgekit", *map(str, words)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
