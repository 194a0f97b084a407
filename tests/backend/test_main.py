"""``backend/__main__.py``, as a script and as a module: bridgekit is found, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import pythons
from tests.support.processes import PATIENCE
from tests.support.rawhost import MAIN, ROOT, raw_host

SCRIPT = """\
import importlib.util
import sys
from bridgekit import PythonBridge

class Backend(PythonBridge):
    def path(self):
        return sys.path

    def finds(self, name):
        return importlib.util.find_spec(name) is not None
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "code" / "backend.py"
    file.parent.mkdir()
    file.write_text(SCRIPT)
    return file


def path_of(script: Path, flags: Sequence[str] = (), **env: str) -> list[str]:
    """The module path that a backend sees."""
    with raw_host(script, flags=flags, env={"PYTHONPATH": "", **env}) as host:
        host.ready()
        answer: list[str] = host.call("path")
        host.call("shutdown")
        assert host.wait() == 0
        return answer


def usual_path(flags: Sequence[str] = (), **env: str) -> list[str]:
    """The module path of a script of this interpreter, without the script's own folder."""
    code = "import sys; print('\\n'.join(sys.path))"
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": "", **env},
    )
    path = done.stdout.splitlines()
    return path if "PYTHONSAFEPATH" in env or "-I" in flags else path[1:]


def test_the_path_is_that_of_a_plain_script(script: Path) -> None:
    assert path_of(script) == [str(script.parent), *usual_path()]


def test_what_the_user_put_on_the_path_stays_there(script: Path, tmp_path: Path) -> None:
    for env in ({}, {"PYTHONSAFEPATH": "1"}):
        env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
        path = path_of(script, **env)
        assert path == [str(script.parent), *usual_path(**env)]
        assert path[1:3] == [str(tmp_path), str(ROOT)]


@pytest.mark.parametrize("version", pythons.VERSIONS)
def test_lent_to_an_interpreter_without_bridgekit(version: str, script: Path) -> None:
    python = pythons.find(version)
    if python is None:
        pytest.skip(f"this machine has no CPython {version}")
    with raw_host(script, python=python, flags=["-I", "-S"], cwd="/") as host:
        host.ready()
        lent = f"{ROOT}/bridgekit/backend/lent"
        assert [each for each in host.call("path") if each.startswith(str(ROOT))] == [lent]
        assert host.call("path")[-1] == lent
        assert host.call("finds", ["bridgekit.backend.streams"])
        # Its neighbours are not mistaken for modules of the author's.
        for name in ("signals", "tasks", "lifeline", "tests"):
            assert not host.call("finds", [name])
        host.call("shutdown")
        assert host.wait() == 0
        assert host.errors() == ""


def test_isolated_it_is_measured_too(script: Path) -> None:
    assert path_of(script, ["-I"]) == [str(script.parent), *usual_path(["-I"])]


def test_another_bridgekit_beside_the_script_is_not_taken(script: Path) -> None:
    (script.parent / "bridgekit.py").write_text("raise RuntimeError('the wrong one')\n")
    assert path_of(script)[0] == str(script.parent)


def test_as_a_module(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridgekit.backend", str(script)],
        input=b'{"id":1,"cmd":"path"}\n',
        capture_output=True,
        check=True,
        timeout=PATIENCE,
        cwd=ROOT,
    )
    _, ready, reply, rest = done.stdout.split(b"\0")
    assert b'"id":0' in ready
    assert reply.startswith(b'{"id":1,"status":"success","result":["%b"' % bytes(script.parent))
    assert rest == b""


def test_it_holds_nothing_but_the_way_to_the_rest() -> None:
    assert len(MAIN.read_text().splitlines()) <= 30  # it is compiled anew at every start
