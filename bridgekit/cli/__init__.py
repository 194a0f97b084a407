"""The ``bridgekit`` command: run, call and look at backends from a shell.

Each command is a module of :mod:`bridgekit.cli.commands` with ``HELP``, ``add_arguments`` and
``run``; adding a command is adding a file. What a program would read goes to stdout, one line
about what went wrong to stderr, and the exit status says which kind of thing it was.
"""

from __future__ import annotations

from bridgekit.cli.main import main

__all__ = ["main"]
