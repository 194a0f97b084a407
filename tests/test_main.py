"""``python -m bridgekit``."""

from __future__ import annotations

from bridgekit import __version__
from tests.cli.support import bridgekit


def test_python_m_bridgekit():
    done = bridgekit("--version")
    assert (done.returncode, done.stdout) == (0, f"bridgekit {__version__}\n")
