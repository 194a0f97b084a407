"""The interpreters that a host may lend its child rooms to, as far as this machine has them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["VERSIONS", "find"]

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


@functools.cache
def find(version: str) -> str | None:
    """The path of a CPython of that version, or None."""
    if version == "{}.{}".format(*sys.version_info):
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [str(path / "bin" / "python") for path in root.glob(f"{version}.*")]
    candidates.append(shutil.which(f"python{version}") or "")
    for candidate in candidates:
        if candidate and _is(candidate, version):
            return candidate
    return None


def _is(candidate: str, version: str) -> bool:
    code = "import sys; print('{}.{}'.format(*sys.version_info), sys.implementation.name)"
    try:
        done = subprocess.run(
            [candidate, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=20
        )
    except OSError:
        return False
    return done.stdout.split() == [version, "cpython"]
