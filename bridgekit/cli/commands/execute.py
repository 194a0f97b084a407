"""Run CODE as the body of a function in a process of its own and print what it returns.

The parameters are there as variables; what it prints goes to stderr. Use "-" to read the code from stdin:

  bridgekit exec 'return {"hello": name}' name=Ada
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bridgekit.blocking import ProcessManager
from bridgekit.cli.exits import UsageError
from bridgekit.cli.options import add_options_anywhere, add_timeout
from bridgekit.cli.showing import show_event
from bridgekit.cli.values import for_people, for_programs, read_params

__all__ = ["HELP", "add_arguments", "run"]

HELP = "run a piece of Python in a process of its own"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit exec``."""
    parser.add_argument("code", metavar="CODE", help='a function body; "-" reads stdin')
    parser.add_argument("params", metavar="JSON | key=value", nargs="*", default=[])
    add_options_anywhere(parser, _add_options)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--python", metavar="PATH", help="interpreter or virtual environment")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    add_timeout(parser)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit exec``."""
    code = sys.stdin.read() if arguments.code == "-" else arguments.code
    params = read_params(arguments.params)
    if isinstance(params, list):
        raise UsageError("the parameters of inline code have names: write key=value or an object")
    show = for_programs if arguments.json else for_people
    options: dict[str, Any] = {"timeout": arguments.timeout, "on_event": show_event}
    if arguments.python:
        options["python"] = arguments.python
    with ProcessManager(call_timeout=None) as manager:
        print(show(manager.execute(code, params or {}, **options)))
    return 0
