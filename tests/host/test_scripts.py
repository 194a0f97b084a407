"""Scripts with inline metadata run in the environment that uv makes for them."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from bridgekit import BackendStartError, ProcessManager
from bridgekit.host import scripts
from bridgekit.host.scripts import inline_metadata, is_prepared, script_python, unprepared_script
from bridgekit.host.targets import resolve_target
from tests.host.support import DEADLINE

NEEDS = '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["bridgekit-test-%s"]\n# ///\n'
BACKEND = """
import sys
from bridgekit import PythonBridge
class Where(PythonBridge):
    def prefix(self) -> str:
        return sys.prefix
if __name__ == "__main__":
    Where().run()
"""
UV = """#!{python}
import os, sys
words = sys.argv[1:]
with open({log!r}, "a") as file:
    file.write(" ".join(words) + "\\n")
if {fails}:
    sys.exit("error: no such distribution")
if words[0] == "python":
    print({python!r})
"""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_known", {})


def script_in(folder: Path, text: str) -> str:
    path = folder / "where.py"
    path.write_text(text + BACKEND)
    return str(path)


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool = False) -> Path:
    """Put a program ``uv`` on PATH that notes what it is asked for; return its notes."""
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    uv = folder / "uv"
    uv.write_text(UV.format(python=sys.executable, log=str(log), fails=fails))
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("# dependencies = ['x']\n", None),
        ("# /// script\n# ///\n", None),
        ("# /// script\n# dependencies = []\n# ///\n", None),
        ("# /// pyproject\n# dependencies = ['x']\n# ///\n", None),
        ("# /// script\n# dependencies = ['x']\n", None),
        ("text = '# /// script'\n", None),
        ("# /// script\n# dependencies = ['x']\n#\n# ///\n", {"dependencies": ["x"]}),
        ("#!/x\r\n# /// script\r\n# requires-python = '>=3.9'\r\n# ///\r\n", {"requires-python": ">=3.9"}),
    ],
)  # fmt: skip
def test_what_a_script_says_of_itself(tmp_path: Path, text: str, found: object) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(text.encode())
    assert inline_metadata(str(path)) == found


def test_what_is_no_toml_and_what_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("# /// script\n# dependencies = [\n# ///\n")
    with pytest.raises(BackendStartError, match=r"inline metadata of .*x\.py is no TOML"):
        inline_metadata(str(path))
    assert inline_metadata(str(tmp_path)) is None


def test_uv_is_asked_once_until_the_script_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pretend(tmp_path, monkeypatch)
    script = script_in(tmp_path, NEEDS % "a")
    assert not is_prepared(script)
    assert script_python(script).path == sys.executable
    assert is_prepared(script)
    assert script_python(script).path == sys.executable
    asked = [f"sync --script {script}", f"python find --script {script}"]
    assert log.read_text().splitlines() == asked
    script_in(tmp_path, NEEDS % "another")
    assert not is_prepared(script)
    script_python(script)
    assert log.read_text().splitlines() == asked * 2


def test_what_uv_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, fails=True)
    script = script_in(tmp_path, NEEDS % "a")
    with pytest.raises(BackendStartError, match="error: no such distribution") as caught:
        script_python(script)
    assert script in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_uv_that_cannot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch)
    (tmp_path / "bin" / "uv").write_text("#!/no/such/interpreter\n")
    with pytest.raises(BackendStartError, match="made no environment"):
        script_python(script_in(tmp_path, NEEDS % "a"))


async def test_without_uv(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    script = script_in(tmp_path, NEEDS % "a")
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError) as caught:
            await manager.spawn(script)
        assert script in str(caught.value)
        assert "program 'uv' is needed, and that is not on PATH" in str(caught.value)
        backend = await manager.spawn(script, python=sys.executable)  # somebody knows better
        assert await backend.call("prefix") == sys.prefix


async def test_it_is_run_there_and_prepared_off_the_event_loop(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch)
    script = script_in(tmp_path, NEEDS % "a")
    async with ProcessManager() as manager:
        backend = await manager.spawn("where.py", cwd=tmp_path)
        assert await backend.call("prefix") == sys.prefix
    assert is_prepared(script)


def test_which_launches_would_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch)
    script = script_in(tmp_path, NEEDS % "a")
    assert resolve_target(script).path == script
    for target in (script, f"{script}:Where", "where.py", "where.py:Where"):
        assert unprepared_script(target, None, str(tmp_path)) == script
    for other in ("absent.py", "a.b:C", ("where.py",), str(tmp_path)):
        assert unprepared_script(other, None, str(tmp_path)) is None
    assert unprepared_script(script, "python3", None) is None
    script_python(script)
    assert unprepared_script(script, None, None) is None


def wheel_in(folder: Path) -> Path:
    """Make a wheel of one module, ``bridgekit_test_word``, with nothing but the standard library."""
    name, version = "bridgekit_test_word", "1.0"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "WORD = 'from the wheel'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


SPEAKS = """
import sys
import bridgekit_test_word
from bridgekit import PythonBridge
class Speaks(PythonBridge):
    def word(self):
        return [bridgekit_test_word.WORD, sys.prefix]
if __name__ == "__main__":
    Speaks().run()
"""


@pytest.mark.slow
async def test_the_real_uv(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = os.path.dirname(sys.executable)  # where the test group installs uv
    monkeypatch.setenv("PATH", f"{beside}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    script = tmp_path / "speaks.py"
    needs = f"bridgekit_test_word @ {wheel_in(tmp_path).as_uri()}"
    head = f'# /// script\n# requires-python = ">=3.9"\n# dependencies = ["{needs}"]\n# ///\n'
    script.write_text(head + SPEAKS)
    async with ProcessManager(call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(script, start_timeout=DEADLINE)
        word, prefix = await backend.call("word")
    assert word == "from the wheel"
    assert prefix not in (sys.prefix, sys.base_prefix)
