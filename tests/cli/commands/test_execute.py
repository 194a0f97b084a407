"""``bridgekit exec``."""

from __future__ import annotations

from tests.cli.support import bridgekit


def test_a_function_body_with_parameters():
    done = bridgekit("exec", 'return {"hello": name * times}', "name=Ada", "times=2", "--json")
    assert (done.returncode, done.stdout) == (0, '{"hello":"AdaAda"}\n'), done.stderr


def test_options_may_stand_before_the_parameters():
    done = bridgekit("exec", "return x + 1", "--json", "--timeout", "50", "x=1")
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


def test_code_from_stdin():
    done = bridgekit("exec", "-", stdin="x = 6\nreturn x * 7\n")
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


def test_parameters_have_names():
    done = bridgekit("exec", "return 1", "[1]")
    assert done.returncode == 2
    assert "have names" in done.stderr


def test_an_exception_shows_the_line():
    done = bridgekit("exec", "x = 1\nreturn x / 0")
    assert done.returncode == 1
    assert "return x / 0" in done.stderr
    assert done.stderr.rstrip().endswith("bridgekit: ZeroDivisionError: division by zero")


def test_a_timeout():
    done = bridgekit("exec", "import time; time.sleep(60)", "--timeout", "0.5")
    assert done.returncode == 5, done.stderr


def test_what_it_prints_goes_to_stderr():
    done = bridgekit("exec", "print('on the way')\nreturn 1", "--json")
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert done.stderr == "on the way\n"
