"""``python -m bridgekit`` is the ``bridgekit`` command."""

from __future__ import annotations

import sys

from bridgekit.cli import main

if __name__ == "__main__":
    sys.exit(main())
