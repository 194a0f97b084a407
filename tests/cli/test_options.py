"""Options that the commands share."""

from __future__ import annotations

import argparse

import pytest

from bridgekit.cli.exits import UsageError
from bridgekit.cli.options import add_backend_options, add_timeout, seconds, spawn


class FakeManager:
    """Remembers what it was asked to spawn."""

    def spawn(self, target, **options):
        return target, options


def parse(*words, optional=False):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_backend_options(parser, optional=optional)
    add_timeout(parser)
    return parser.parse_args(words)


def test_the_backend_that_is_described():
    assert spawn(FakeManager(), parse("x.py")) == ("x.py", {"wire": "native", "restart": "never"})
    arguments = parse("x.py", "--python", "/venv", "--wire", "lsp", "--timeout", "2.5")
    assert spawn(FakeManager(), arguments) == (
        "x.py",
        {"wire": "lsp", "restart": "never", "python": "/venv"},
    )
    assert arguments.timeout == 2.5


def test_a_target_is_needed():
    with pytest.raises(UsageError, match="TARGET"):
        spawn(FakeManager(), parse(optional=True))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_is_a_number_above_zero(text):
    with pytest.raises(argparse.ArgumentTypeError, match="seconds above 0"):
        seconds(text)
