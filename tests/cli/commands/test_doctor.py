"""``bridgekit doctor``."""

from __future__ import annotations

import json
import sys
from importlib import metadata

from bridgekit.cli.commands import doctor
from tests.cli.support import MENU, bridgekit


def test_a_healthy_installation():
    done = bridgekit("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    for name in ("interpreter", "bridgekit", "anyio", "import", "encoding"):
        assert f"ok    {name}" in done.stdout


def test_a_target_for_programs():
    done = bridgekit("doctor", MENU, "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["handshake"]["ok"]
    assert "add" in checks["methods"]["details"]["methods"]
    assert "bridgekit.backend.bridge" in checks["import"]["details"]["modules"]


def test_a_backend_that_does_not_start(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module_anywhere\n")
    done = bridgekit("doctor", broken)
    assert done.returncode == 1
    assert "FAIL  handshake" in done.stdout
    assert "no_such_module_anywhere" in done.stdout


def test_a_backend_that_prints_while_it_starts(tmp_path):
    chatty = tmp_path / "chatty.py"
    chatty.write_text(
        "from bridgekit import PythonBridge\n"
        "print('loading the model')\n"
        "class Chatty(PythonBridge):\n    def go(self): return 1\n"
    )
    done = bridgekit("doctor", chatty)
    assert done.returncode == 0, done.stdout
    assert "'loading the model'" in done.stdout


def test_an_interpreter_that_does_not_run(tmp_path):
    assert not doctor.check_interpreter(str(tmp_path / "python")).ok


def test_a_missing_library(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    findings = {finding.name: finding for finding in doctor.check_versions()}
    assert not findings["anyio"].ok
    assert findings["orjson"].ok


def test_an_interpreter_without_bridgekit(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"No module named 'bridgekit'\" >&2\nexit 1\n")
    python.chmod(0o755)
    assert doctor.check_imports(str(python)).ok
    monkeypatch.setattr(sys, "executable", str(python))
    assert not doctor.check_imports(str(python)).ok


def test_import_times_are_read():
    text = (
        "import time: self [us] | cumulative | imported package\nimport time:  12 |  30 |   a.b\n"
    )
    assert doctor.read_import_times(text + "noise\n") == {"a.b": 12}


def test_an_unusual_encoding(monkeypatch):
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "latin-1")
    assert "PYTHONUTF8" in doctor.check_encoding().text
