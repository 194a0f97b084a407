"""The command line as a whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridgekit import __version__
from bridgekit.cli import main
from bridgekit.cli.main import build_parser, command_modules
from tests.cli.support import MENU, bridgekit


def test_commands_are_found_by_name():
    words = list(command_modules())
    assert words == ["call", "demo", "describe", "doctor", "exec", "plugins", "ps", "run", "up"]


def test_only_the_module_of_the_typed_command_is_loaded():
    code = "import sys; from bridgekit.cli.main import build_parser; build_parser(['run'])"
    code += "; print([name for name in sys.modules if name.startswith('bridgekit.cli.commands.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['bridgekit.cli.commands.run']"


def test_without_a_command_it_explains_itself(capsys):
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(word in out for word in command_modules())
    assert "exit status:" in out


@pytest.mark.parametrize("word", list(command_modules()))
def test_every_command_has_help(word, capsys):
    with pytest.raises(SystemExit) as ended:
        build_parser([word]).parse_args([word, "--help"])
    assert ended.value.code == 0
    assert "exit status:" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"bridgekit {__version__}\n"


def test_a_wrong_command_line_is_status_2():
    done = bridgekit("call")
    assert done.returncode == 2
    line = "bridgekit call: the following arguments are required: TARGET, METHOD"
    assert done.stderr == f"{line} (bridgekit call --help shows how)\n"


def test_an_option_behind_the_target_is_wrong_in_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", str(MENU), "--wire"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("bridgekit run: argument --wire: expected one argument")
    assert error.count("\n") == 1


@pytest.mark.parametrize("word", ["demo", "doctor"])
def test_a_closed_stdout_is_no_traceback(word):
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m bridgekit {word} >&-'],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_letter_that_the_terminal_lacks_is_escaped():
    done = subprocess.run(
        [sys.executable, "-m", "bridgekit", "call", MENU, "shout", "text=ä"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "\\xc4\n")


def test_errors_become_statuses(capsys):
    assert main(["call", str(MENU), "add", "what"]) == 2
    assert capsys.readouterr().err.startswith("bridgekit: 'what' is not a parameter")
    assert main(["call", "--json", str(MENU), "add", "what"]) == 2
    assert '"kind": "UsageError"' in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_traceback():
    host = subprocess.Popen(
        [sys.executable, "-m", "bridgekit", "call", MENU, "count", "to=100000", "--stream"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert host.stdout is not None
    assert host.stderr is not None
    assert host.stdout.readline() == "0\n"
    host.stdout.close()
    errors = host.stderr.read()
    host.stderr.close()
    assert host.wait(60) == 1
    assert "Traceback" not in errors
