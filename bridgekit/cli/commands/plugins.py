"""List the backends that installed packages announce.

Each can be used as TARGET of the other commands under the name plugin:NAME.
"""

from __future__ import annotations

import argparse
import sys

import attrs

from bridgekit.cli.values import for_programs
from bridgekit.host.plugins import GROUP, plugins

__all__ = ["HELP", "add_arguments", "run"]

HELP = "list the backends of installed packages"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit plugins``."""
    parser.add_argument("--json", action="store_true", help="print one line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit plugins``."""
    found = plugins()
    if arguments.json:
        print(for_programs({"plugins": [attrs.asdict(plugin) for plugin in found]}))
        return 0
    if not found:
        print(f"no package that is installed for {sys.executable} announces a backend ({GROUP})")
        return 0
    rows = [(each.target, f"{each.package} {each.version}", each.value) for each in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    return 0
