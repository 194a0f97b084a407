"""Running a few lines as a host program of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from tests.host.support import DEADLINE, MENU

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = f"""
import os, signal, sys, threading, time
sys.path.insert(0, {ROOT!r})
from bridgekit import *
from bridgekit.blocking import ProcessManager
MENU = {MENU!r}
"""


def start(code: str) -> subprocess.Popen[str]:
    """Start ``code`` as a program that can spawn MENU; its stdout is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run(code: str) -> str:
    """Run ``code`` to its end, which must be a good one; return what it printed."""
    process = start(code)
    out, err = process.communicate(timeout=2 * DEADLINE)
    assert process.returncode == 0, err
    assert not err, err
    return out
