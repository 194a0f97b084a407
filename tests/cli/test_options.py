"""Options that the commands share."""

from __future__ import annotations

import argparse

import pytest

from bridgekit.cli.exits import UsageError
from bridgekit.cli.options import (
    Parser,
    add_backend_options,
    add_options_anywhere,
    add_timeout,
    seconds,
    spawn,
)


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


def parse_anywhere(*words):
    parser = Parser(prog="us")
    parser.add_argument("word")
    parser.add_argument("more", nargs="*", default=[])
    add_options_anywhere(parser, add_timeout)
    return vars(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "more", "timeout"),
    [
        ("one", [], None),
        ("--timeout 5 one a=1", ["a=1"], 5),
        ("one --timeout 5 a=1", ["a=1"], 5),
        ("one --timeout=5 a=1 b=2", ["a=1", "b=2"], 5),
        ("one a=1 --timeout 5 b=2", ["a=1", "b=2"], 5),
        ("one a=1 --timeout 5", ["a=1"], 5),
        ("one -- --timeout 5", ["--timeout", "5"], None),
        ("-- one --timeout 5", ["--timeout", "5"], None),
        ("one --timeout 5 -- --timeout", ["--timeout"], 5),
    ],
)
def test_options_may_stand_anywhere_but_behind_two_dashes(words, more, timeout):
    assert parse_anywhere(*words.split()) == {"word": "one", "more": more, "timeout": timeout}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("one --nonsense", "us: unrecognized arguments: --nonsense"),
        ("one --timeout soon", "us: argument --timeout: 'soon' is not a number of seconds"),
        ("one --timeout -- 5", "us: argument --timeout: expected one argument"),
        ("--timeout 5", "us: the following arguments are required: word"),
    ],
)
def test_a_command_line_that_is_wrong_is_one_line(capsys, words, says):
    with pytest.raises(SystemExit):
        parse_anywhere(*words.split())
    error = capsys.readouterr().err
    assert error.startswith(says)
    assert error.count("\n") == 1


def test_a_parser_of_argparse_gets_the_options_all_the_same():
    parser = argparse.ArgumentParser()
    add_options_anywhere(parser, add_timeout)
    assert parser.parse_args(["--timeout", "5"]).timeout == 5


def test_help_may_stand_anywhere_and_shows_every_word(capsys):
    with pytest.raises(SystemExit):
        parse_anywhere("one", "--timeout", "5", "--help")
    out = capsys.readouterr().out
    assert "usage: us [-h] [--timeout SECONDS] word [more ...]" in out
