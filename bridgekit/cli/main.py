"""Reads the command line, hands it to the command's module, and turns errors into exit statuses."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence

from bridgekit._version import __version__
from bridgekit.cli import commands
from bridgekit.cli.exits import EPILOG, report
from bridgekit.cli.options import Parser
from bridgekit.errors import BridgeError

__all__ = ["main"]

_SPELLED = {"execute": "exec"}
"""Modules whose word would be a confusing name for a Python module."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``bridgekit`` command with ``argv`` (default: ``sys.argv[1:]``); return its status."""
    words = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    parser = build_parser(words[:1])
    arguments = parser.parse_args(words)
    if arguments.command is None:
        parser.print_help()
        return 2
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (BridgeError, OSError, ValueError, KeyboardInterrupt) as error:
        return report(error, as_json=getattr(arguments, "json", False))
    return status


def _prepare_streams() -> None:
    """Let whatever is printed pass: to an encoding that lacks a letter, or to a closed stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - as long as we live
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def build_parser(typed: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    If the first ``typed`` word is a command, only that command's module is loaded: a host that
    starts its backends through ``bridgekit run`` waits for every import.
    """
    parser = Parser(
        prog="bridgekit",
        description="Run Python backends in processes of their own, and talk to them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bridgekit {__version__}")
    words = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    modules = command_modules()
    chosen = [word for word in modules if word in typed[:1]] or list(modules)
    for name in chosen:
        module = importlib.import_module(modules[name])
        word = words.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(word)
        word.set_defaults(run=module.run)
    return parser


def command_modules() -> dict[str, str]:
    """Return the name of every command's module under the word that is typed for it."""
    return {
        _SPELLED.get(entry.name, entry.name): f"{commands.__name__}.{entry.name}"
        for entry in pkgutil.iter_modules(commands.__path__)
    }
