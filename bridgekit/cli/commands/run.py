"""Become the backend: its wire is this process's stdin and stdout.

For hosts in any language that want one command to start a backend whatever kind it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from bridgekit.cli.exits import UsageError
from bridgekit.cli.options import add_backend_options, late_options
from bridgekit.errors import BridgeError
from bridgekit.host.launchers import plan_launch
from bridgekit.host.plugins import announced
from bridgekit.policy.spec import BackendSpec
from bridgekit.wire.format import load_format

__all__ = ["HELP", "add_arguments", "run"]

HELP = "run a backend on this process's stdin and stdout"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit run``."""
    add_backend_options(parser)
    parser.add_argument(
        "args",
        metavar="ARG",
        nargs=argparse.REMAINDER,
        help="for the backend (behind -- if it could be meant for bridgekit)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit run``: this process turns into the backend."""
    late_options(arguments)
    try:
        load_format(arguments.wire)  # a misspelt name fails here, with the names that there are
    except BridgeError as error:
        raise UsageError(error.message) from None
    spec = announced(arguments.target, {})
    if not isinstance(spec, BackendSpec):
        spec = BackendSpec(spec)
    plan = plan_launch(
        spec.target,
        args=(*spec.args, *arguments.args),
        python=arguments.python or spec.python,
        env=spec.env,
        cwd=spec.cwd,
        wire=arguments.wire,
        max_frame=spec.max_frame,
        inherit=("*",),
    )
    environment = {**plan.env, "BRIDGEKIT_WIRE": arguments.wire}
    if "BRIDGEKIT_MAX_FRAME" in os.environ:  # whoever started this knows what it takes
        environment["BRIDGEKIT_MAX_FRAME"] = os.environ["BRIDGEKIT_MAX_FRAME"]
    sys.stdout.flush()
    if plan.cwd is not None:
        os.chdir(plan.cwd)
    if sys.platform == "win32":  # exec there returns to the shell at once
        return subprocess.run(plan.argv, env=environment, check=False).returncode
    return os.execve(plan.argv[0], plan.argv, environment)
