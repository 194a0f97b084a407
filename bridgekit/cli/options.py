"""Options that several commands share, and the backend that they describe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from bridgekit.cli.exits import UsageError

if TYPE_CHECKING:
    from bridgekit.blocking import Backend, ProcessManager

__all__ = [
    "Parser", "add_backend_options", "add_options_anywhere", "add_target", "add_timeout",
    "add_ways", "late_options", "spawn",
]  # fmt: skip

TARGET_HELP = "file.py, file.py:Class, pkg.mod:Class, plugin:NAME or an executable"


class Parser(argparse.ArgumentParser):
    """Reads a command line; every command of ours uses it."""

    first: Parser | None = None
    """Takes the options out before the rest is read; see :func:`add_options_anywhere`."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Read ``args``; what stands behind ``--`` is never an option."""
        words = list(sys.argv[1:] if args is None else args)
        if self.first is not None:
            end = words.index("--") if "--" in words else len(words)
            namespace, rest = self.first.parse_known_args(words[:end], namespace)
            words = [*rest, *words[end:]]
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, as of any other error; the usage is a word away."""
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help shows how)\n")


def add_backend_options(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Let the command take a TARGET and say how it is started."""
    add_target(parser, optional=optional)
    add_ways(parser, wire="native")


def add_target(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Let the command take a TARGET."""
    parser.add_argument(
        "target", metavar="TARGET", nargs="?" if optional else None, help=TARGET_HELP
    )


def add_ways(parser: argparse.ArgumentParser, **defaults: str) -> None:
    """Let the command say how a backend is started; ``defaults`` are for what is not said."""
    parser.add_argument("--python", metavar="PATH", help="interpreter or virtual environment")
    parser.add_argument("--wire", help="wire format (default: native)")
    parser.set_defaults(**defaults)


def add_options_anywhere(
    parser: argparse.ArgumentParser, add_options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add options that may stand between a word and the optional words after it, too.

    argparse looks for all words that it can take at once: where an option follows the words that
    must be there, it takes none of the optional ones, and those behind the option are too many.
    """
    add_options(parser)
    if isinstance(parser, Parser):
        parser.first = Parser(prog=parser.prog, add_help=False, argument_default=argparse.SUPPRESS)
        add_options(parser.first)


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
    add_ways(late)
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
