"""Look for what could be wrong: with this installation, or with TARGET's.

Checks the interpreter, the versions of what bridgekit uses, what a backend pays to import it
(module by module) and text encodings; with a TARGET also whether it starts, how long the
handshake takes and whether it keeps its stdout clean.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import metadata
from typing import Any

import attrs

from bridgekit._version import __version__
from bridgekit.cli.options import add_backend_options
from bridgekit.cli.target_checks import Finding, check_target
from bridgekit.host.interpreters import find_python, python_version

__all__ = ["HELP", "add_arguments", "run"]

HELP = "check the installation, or one backend"

_NEEDED = ("anyio", "attrs", "cattrs", "typing-extensions")
_EXTRAS = ("orjson", "msgpack", "trio", "uvloop")
_SLOWEST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit doctor``."""
    add_backend_options(parser, optional=True)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit doctor``; the status is 1 if a check failed."""
    python = find_python(arguments.python).path
    findings = [check_interpreter(python), *check_versions(), check_imports(python)]
    findings.append(check_encoding())
    if arguments.target:
        findings.extend(check_target(arguments))
    if arguments.json:
        print(json.dumps({"checks": [attrs.asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:12}  {finding.text}")
    return 0 if all(finding.ok for finding in findings) else 1


def check_interpreter(python: str) -> Finding:
    """Say which interpreter backends run on, and whether it can run them."""
    version = python_version(python)
    if version is None:
        return Finding("interpreter", False, f"{python} does not run")
    good = tuple(int(part) for part in version.split(".")[:2]) >= (3, 9)
    why = "" if good else "; backends need CPython 3.9 or newer"
    return Finding("interpreter", good, f"{python} is Python {version}{why}", {"path": python})


def check_versions() -> list[Finding]:
    """List the versions of bridgekit, of what it needs and of what it can use."""
    findings = [Finding("bridgekit", True, f"bridgekit-ipc {__version__} (import name: bridgekit)")]
    for name in (*_NEEDED, *_EXTRAS):
        try:
            text, good = metadata.version(name), True
        except metadata.PackageNotFoundError:
            good = name in _EXTRAS
            text = "not installed (optional)" if good else "missing: reinstall bridgekit-ipc"
        findings.append(Finding(name, good, text))
    return findings


def check_imports(python: str) -> Finding:
    """Measure what importing PythonBridge adds to a bare start, module by module."""
    code = "import sys; before = set(sys.modules); from bridgekit import PythonBridge"
    done = subprocess.run(
        [python, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        if python == sys.executable:
            return Finding("import", False, f"from bridgekit import PythonBridge: {last[0]}")
        return Finding("import", True, f"not installed in {python}; a host lends it its copy")
    times = read_import_times(done.stderr)
    ours = {name: own for name, own in times.items() if name.startswith("bridgekit")}
    slowest = sorted(ours, key=lambda name: -ours[name])[:_SLOWEST]
    total = sum(ours.values()) / 1000
    text = f"{total:.1f} ms for {len(ours)} modules of bridgekit; slowest: "
    text += ", ".join(f"{name} {ours[name] / 1000:.1f}" for name in slowest)
    return Finding("import", True, text, {"milliseconds": total, "modules": ours})


def read_import_times(text: str) -> dict[str, int]:
    """Return each module's own import time in microseconds from ``-X importtime`` output."""
    times: dict[str, int] = {}
    for line in text.splitlines():
        if not line.startswith("import time:"):
            continue
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            times[parts[2].strip()] = int(parts[0])
    return times


def check_encoding() -> Finding:
    """Say how this process reads and writes text, which is what people see of errors."""
    encodings: dict[str, Any] = {
        "filesystem": sys.getfilesystemencoding(),
        "stdout": getattr(sys.stdout, "encoding", None) or "none",
    }
    good = all(name.lower().replace("-", "") == "utf8" for name in encodings.values())
    text = ", ".join(f"{key} {name}" for key, name in encodings.items())
    if not good:
        text += "; the wire is not affected, but text in logs may be (set PYTHONUTF8=1)"
    return Finding("encoding", True, text, encodings)
