"""Start a backend, call one of its methods, print what it returns, stop it.

Parameters are one JSON object or array, or key=value words whose values are JSON where they can
be and text where they cannot. With --stream, streamed results are printed one a line, as they
come; progress and what the backend prints go to stderr.
"""

from __future__ import annotations

import argparse
from typing import Any

from bridgekit.blocking import ProcessManager
from bridgekit.cli.options import add_options_anywhere, add_target, add_timeout, add_ways, spawn
from bridgekit.cli.showing import show_event
from bridgekit.cli.values import for_people, for_programs, read_params

__all__ = ["HELP", "add_arguments", "run"]

HELP = "call one method of a backend and print its result"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit call``."""
    add_target(parser)
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument("params", metavar="JSON | key=value", nargs="*", default=[])
    add_options_anywhere(parser, _add_options)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_ways(parser, wire="native")
    parser.add_argument(
        "--stream", action="store_true", help="print each streamed item as it comes"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    add_timeout(parser)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit call``."""
    params = read_params(arguments.params)
    show = for_programs if arguments.json else for_people
    options: dict[str, Any] = {"timeout": arguments.timeout, "on_event": show_event}
    with ProcessManager(call_timeout=None) as manager:
        backend = spawn(manager, arguments)
        backend.on("$/output", _show_stray)
        if arguments.stream:
            stream = backend.stream(arguments.method, params, **options)
            streamed = False
            for item in stream:
                streamed = True
                print(show(item), flush=True)
            if not streamed and stream.result is not None:  # it was no generator
                print(show(stream.result))
        else:
            print(show(backend.call(arguments.method, params, **options)))
    return 0


def _show_stray(event: Any) -> None:
    """Pass on what is printed outside the call, by a thread of the backend's."""
    if event.call is None:
        show_event(event)
