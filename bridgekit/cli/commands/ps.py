"""Show what each "bridgekit up" of yours runs, asked from any terminal.

With a FILE only those that run that file.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from bridgekit.cli.board import plain, rows
from bridgekit.cli.running import ask_all
from bridgekit.cli.values import for_programs

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show the backends that bridgekit up runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit ps``."""
    parser.add_argument("file", metavar="FILE", nargs="?", help="only those that run this file")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit ps``."""
    found: list[tuple[int, dict[str, Any] | None]] = list(ask_all())
    if arguments.file is not None:
        path = os.path.realpath(arguments.file)
        found = [(pid, answer) for pid, answer in found if answer and answer["file"] == path]
    if arguments.json:
        nothing = {"file": None, "backends": None}
        running = [{"pid": pid, **(answer or nothing)} for pid, answer in found]
        print(for_programs({"running": running}))
        return 0
    if not found:
        print("nothing is running")
    for number, (pid, answer) in enumerate(found):
        if number:
            print()
        if answer is None:
            print(f"process {pid} does not answer")
            continue
        print(f"{answer['file']} (process {pid})")
        print(plain(rows(answer["backends"])))
    return 0
