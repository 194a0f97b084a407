"""A cold child loads little: a fence against every module that would slow its start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import pythons
from tests.support.rawhost import raw_host

pytestmark = pytest.mark.usefixtures("unmeasured")

MOST_NEW = 12
FORBIDDEN = {
    "anyio", "attr", "attrs", "cattrs", "asyncio", "inspect", "dataclasses", "logging", "typing",
    "re", "traceback", "orjson", "json", "threading", "enum", "signal", "functools", "collections",
    "contextlib", "subprocess", "runpy", "importlib.util", "importlib.metadata", "warnings",
    "linecache", "tokenize", "ast", "types", "copyreg", "keyword", "operator", "reprlib", "ctypes",
    "socket", "selectors", "pathlib", "tempfile", "shutil", "random", "datetime", "decimal",
    "bridgekit.host", "bridgekit.blocking", "bridgekit.policy", "bridgekit.cli", "bridgekit.data",
}  # fmt: skip

BACKEND = """
from bridgekit import PythonBridge

class Cold(PythonBridge):
    def add(self, a: int, b: int = 1) -> int:
        return a + b

    def modules(self):
        import sys
        return sorted(sys.modules)

    def memory(self):
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1])

if __name__ == "__main__":
    Cold().run()
"""

BARE = "import sys; print('\\n'.join(sys.modules))"
HELLO = {"protocol": 1, "features": ["stream", "progress", "log", "output", "call", "batch"]}


def cold_child(tmp_path: Path, python: str, steps: list[tuple[str, Any]], **options: Any) -> Any:
    """The result of the last of some calls to a cold backend."""
    script = tmp_path / "cold.py"
    script.write_text(BACKEND)
    with raw_host(script, python=python, flags=["-I"], **options) as host:
        host.ready()
        result = None
        for name, params in steps:
            result = host.call(name, params)
        return result


def python_of(version: str) -> str:
    found = pythons.find(version)
    if found is None:
        pytest.skip(f"this machine has no CPython {version}")
    return found


@pytest.mark.parametrize("version", pythons.VERSIONS)
@pytest.mark.parametrize("hello", [False, True], ids=["plain host", "bridgekit host"])
def test_a_cold_child_loads_few_modules_and_none_that_is_slow(
    tmp_path: Path, version: str, hello: bool
) -> None:
    python = python_of(version)
    steps: list[tuple[str, Any]] = [("$/hello", HELLO)] if hello else []
    steps += [("add", {"a": 1}), ("modules", None)]
    loaded = set(cold_child(tmp_path, python, steps))
    bare = set(
        subprocess.run(
            [python, "-I", "-c", BARE], capture_output=True, text=True, check=True, timeout=60
        ).stdout.split()
    )
    new = loaded - bare
    standard = sorted(name for name in new if not name.startswith("bridgekit"))
    assert len(standard) <= MOST_NEW, standard
    intruders = sorted(new & FORBIDDEN)
    assert not intruders, f"a cold child loads {intruders}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_idle_child_needs_little_more_memory_than_a_bare_interpreter(tmp_path: Path) -> None:
    steps = [("$/hello", HELLO), ("add", {"a": 1}), ("memory", None)]
    ours = min(cold_child(tmp_path, sys.executable, steps) for _ in range(3))
    code = "print(open('/proc/self/statm').read().split()[1])"
    bare = max(
        int(subprocess.check_output([sys.executable, "-I", "-c", code], timeout=60))
        for _ in range(3)
    )
    more = (ours - bare) * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert more <= 3.0, f"{more:.1f} MiB more than a bare interpreter"


def test_the_child_finds_bridgekit_without_any_path_to_it(tmp_path: Path) -> None:
    script = tmp_path / "cold.py"
    script.write_text(
        BACKEND.replace("return sorted(sys.modules)", "return sys.path + sys.argv + [__name__]")
    )
    with raw_host(script, "one", "two", flags=["-I", "-S"]) as host:
        host.ready()
        *paths, argv0, one, two, name = host.call("modules")
    assert (argv0, one, two, name) == (str(script), "one", "two", "__main__")
    assert paths[0] == str(tmp_path)
    assert not [path for path in paths if path.endswith(("bridgekit", "backend"))]
    assert json.dumps(paths).count(str(tmp_path)) == 1
