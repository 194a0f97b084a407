"""What the doctor finds out about a backend."""

from __future__ import annotations

import argparse

from bridgekit.cli.target_checks import check_target
from tests.cli.support import MENU


def examine(target):
    arguments = argparse.Namespace(target=str(target), wire="native", python=None)
    return {finding.name: finding for finding in check_target(arguments)}


def test_a_good_backend():
    findings = examine(MENU)
    assert set(findings) == {"handshake", "methods", "stdout"}
    assert all(finding.ok for finding in findings.values())
    assert "nothing is printed" in findings["stdout"].text


def test_a_backend_with_nothing_to_offer(tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("from bridgekit import PythonBridge\nclass Empty(PythonBridge): pass\n")
    assert not examine(empty)["methods"].ok


def test_a_target_that_is_not_there(tmp_path):
    assert not examine(tmp_path / "nowhere.py")["handshake"].ok
