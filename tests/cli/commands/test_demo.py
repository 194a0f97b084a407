"""``bridgekit demo``: shows everything, and is not content with less."""

from __future__ import annotations

import argparse

import pytest

from bridgekit.cli.commands import demo
from tests.cli.support import bridgekit


def test_the_demo():
    done = bridgekit("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "Hello, Ada!",
        "a stray print, while greeting Ada",
        "[##############################] 100%",
        "[10, 20, 30, 40, 50]",
        "return a / b",
        "ZeroDivisionError: division by zero",
        "SIGKILL",
        "simulated failure in native code",
        "All of it happened",
    ):
        assert words in done.stdout


def test_a_demo_that_fails_says_so(monkeypatch, capsys):
    def broken(truth, what):
        raise demo.DemoFailed(what)

    monkeypatch.setattr(demo, "expect", broken)
    assert demo.run(argparse.Namespace()) == 1
    assert "The demo failed: the backend must be a process of its own" in capsys.readouterr().out


def test_expect():
    demo.expect(1, "fine")
    with pytest.raises(demo.DemoFailed, match="not fine"):
        demo.expect(0, "not fine")


def test_the_bar(capsys):
    demo.Show(terminal=True).bar(0.5, "half")
    assert capsys.readouterr().out == "\r  [###############...............]  50%  half"
    demo.Show(terminal=False).bar(0.5, "half")
    assert capsys.readouterr().out == ""
    demo.Show(terminal=False).bar(1, "done")
    assert capsys.readouterr().out.endswith("100%  done\n")
