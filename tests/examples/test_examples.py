"""Every example is run as a person would run it, and prints what it is meant to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

EXPECTED = {
    "echo_host.py": """\
Hello, Ada!
[1, 2.5, None, 'ä']
[0.0, 0.25, 0.5, 0.75, 1.0]
ZeroDivisionError: division by zero
""",
    "ticker_host.py": """\
tick 1
tick 2
tick 3
at least three ticks: True
""",
    "primes_host.py": """\
25 primes, the last is 97
""",
    "matrix_host.py": """\
x = [2.0, 3.0]
height at 10: 21.0
LinAlgError: Singular matrix
numpy in this process: False
""",
}


def test_every_host_example_is_expected_here():
    assert {path.name for path in EXAMPLES.glob("*_host.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_example(name):
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, EXPECTED[name]), done.stderr


def test_the_progress_bar_of_the_stream_reaches_its_end():
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "primes_host.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.rstrip().endswith("[####################] 100%")
