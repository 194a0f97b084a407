"""What a reader has to know about the machine, and nothing that tells which machine it is."""

from __future__ import annotations

import importlib.metadata
import os
import platform

PACKAGES = ("orjson", "uvloop", "trio", "anyio", "execnet", "rpyc", "pyzmq", "mcp")


def description() -> dict[str, str]:
    """Interpreter, CPU count, kernel and the versions of the packages that were measured."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "CPUs": str(len(os.sched_getaffinity(0))),
        "Kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Architecture": platform.machine(),
        "Packages": ", ".join(versions),
    }
