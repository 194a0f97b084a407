"""Options that several commands share, and the backend that they describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from bridgekit.cli.exits import UsageError

if TYPE_CHECKING:
    from bridgekit.blocking import Backend, ProcessManager

__all__ = ["Parser", "add_backend_options", "add_timeout", "late_options", "spawn"]

TARGET_HELP = "file.py, file.py:Class, pkg.mod:Class, plugin:NAME or an executable"


class Parser(argparse.ArgumentParser):
    """Reads a command line; every command of ours uses it."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, as of any other error; the usage is a word away."""
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help shows how)\n")


def add_backend_options(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Let the command take a TARGET and say how it is started."""
    parser.add_argument(
        "target", metavar="TARGET", nargs="?" if optional else None, help=TARGET_HELP
    )
    _add_ways(parser, wire="native")


def _add_ways(parser: argparse.ArgumentParser, **defaults: str) -> None:
    parser.add_argument("--python", metavar="PATH", help="interpreter or virtual environment")
    parser.add_argument("--wire", help="wire format (default: native)")
    parser.set_defaults(**defaults)


def late_options(arguments: argparse.Namespace) -> None:
    """Take our options out of ``arguments.args``, which holds all that stood behind TARGET.

    What stands behind ``--`` is the backend's own, whatever it looks like.
    """
    late = Parser(
        prog="bridgekit run",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    _add_ways(late)
    words: list[str] = arguments.args
    end = words.index("--") if "--" in words else len(words)
    _, rest = late.parse_known_args(words[:end], arguments)
    arguments.args = [*rest, *words[end + 1 :]]


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Let the command take a ``--timeout`` in seconds."""
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=None,
        metavar="SECONDS",
        help="give up after this long (default: never)",
    )


def seconds(text: str) -> float:
    """Read a positive number of seconds; argparse shows the message of what it raises."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def spawn(manager: ProcessManager, arguments: argparse.Namespace) -> Backend:
    """Start the backend that the command line names; it is not started again when it dies."""
    options: dict[str, Any] = {"wire": arguments.wire, "restart": "never"}
    if arguments.python:
        options["python"] = arguments.python
    if not arguments.target:
        raise UsageError("a TARGET is needed")
    return manager.spawn(arguments.target, **options)
