"""What a host names is found and run, or it is said clearly why not."""

from __future__ import annotations

import gc
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bridgekit.backend import target
from tests.support.processes import PATIENCE
from tests.support.rawhost import MAIN, ROOT, raw_host

ONE = """\
import sys
from bridgekit import PythonBridge

class One(PythonBridge):
    def who(self):
        return [type(self).__name__, __name__, __file__, sys.argv, sys.path[0], __package__]
"""
RUN = """
if __name__ == "__main__":
    One().run()
"""
SEVERAL = """\
from bridgekit import PythonBridge

class Base(PythonBridge):
    def who(self):
        return type(self).__name__

class Left(Base):
    pass

class Right(Base):
    pass

other = 1
"""


def write(folder: Path, text: str, name: str = "backend.py") -> Path:
    script = folder / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    return script


def who(name: str | Path, *args: str, **options: object) -> list[object]:
    """Ask the backend of that name who it is, and have it end."""
    with raw_host(name, *args, **options) as host:  # type: ignore[arg-type]
        host.ready()
        answer: list[object] = host.call("who")
        host.call("shutdown")
        assert host.wait() == 0
        return answer


def refused(name: str | Path, *args: str, status: int = 2, cwd: Path | None = None) -> str:
    """Run a target that cannot work; return what it says."""
    done = subprocess.run(
        [sys.executable, str(MAIN), str(name), *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    return done.stderr


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [ONE, ONE + RUN], ids=["class only", "runs itself"])
def test_a_file_runs_as_it_would_under_python(tmp_path: Path, text: str) -> None:
    script = write(tmp_path, text)
    assert who(script, "--fast", "a b") == [
        "One",
        "__main__",
        str(script),
        [str(script), "--fast", "a b"],
        str(tmp_path),
        None,
    ]


def test_a_file_with_a_class_is_loaded_as_a_module(tmp_path: Path) -> None:
    script = write(tmp_path, ONE + RUN)
    assert who(f"{script}:One")[:3] == ["One", "backend", str(script)]


@pytest.mark.parametrize("name", ["backend.py", "backend.pyw"])
def test_a_relative_name_and_modules_beside_the_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, "VALUE = 7\n", "beside.py")
    write(tmp_path, ONE + "import beside\nassert beside.VALUE == 7\n", name)
    assert who(name, cwd=tmp_path)[3] == [name]


def test_modules_are_looked_for_beside_the_file_itself_not_its_link(tmp_path: Path) -> None:
    write(tmp_path, "VALUE = 7\n", "beside.py")
    script = write(tmp_path, ONE + "import beside\n")
    link = tmp_path / "elsewhere" / "link.py"
    link.parent.mkdir()
    link.symlink_to(script)
    answer = who(link)
    assert answer[2] == str(link)
    assert answer[4] == str(tmp_path)


def test_what_a_file_defines_can_be_pickled_and_found(tmp_path: Path) -> None:
    text = ONE.replace(
        "return [", "import pickle; assert pickle.loads(pickle.dumps(One)) is One\n        return ["
    )
    assert who(write(tmp_path, text))[1] == "__main__"


# --- modules ----------------------------------------------------------------------------------


def test_a_class_of_a_module(tmp_path: Path) -> None:
    write(tmp_path, "", "shop/__init__.py")
    script = write(tmp_path, ONE + RUN, "shop/counter.py")
    assert who("shop.counter:One", "x", cwd=tmp_path) == [
        "One",
        "shop.counter",
        str(script),
        ["shop.counter:One", "x"],
        str(tmp_path),
        "shop",
    ]


def test_the_only_class_of_a_module_need_not_be_named(tmp_path: Path) -> None:
    write(tmp_path, ONE, "counter.py")
    assert who("counter", cwd=tmp_path)[:2] == ["One", "counter"]


def test_a_module_that_runs_its_backend_is_not_asked_for_another(tmp_path: Path) -> None:
    write(tmp_path, ONE + "One().run()\n", "counter.py")
    assert who("counter", cwd=tmp_path)[0] == "One"


# --- which class ------------------------------------------------------------------------------


def test_the_most_derived_class_is_meant(tmp_path: Path) -> None:
    script = write(tmp_path, SEVERAL.replace("class Right(Base)", "class Right"))
    assert who(script) == "Left"


def test_a_class_that_was_only_imported_is_not_meant(tmp_path: Path) -> None:
    write(tmp_path, SEVERAL, "several.py")
    script = write(tmp_path, "from several import Base, Left\n" + ONE)
    assert who(script)[0] == "One"
    assert who(f"{script}:Left") == "Left"


def test_several_classes_are_not_guessed_among(tmp_path: Path) -> None:
    script = write(tmp_path, SEVERAL)
    assert who(f"{script}:Right") == "Right"
    text = refused(script)
    assert f"defines several backends (Left, Right); name one: {script}:CLASS" in text


def test_a_class_that_is_not_there(tmp_path: Path) -> None:
    script = write(tmp_path, SEVERAL)
    text = refused(f"{script}:Wrong")
    assert text.endswith("the class Wrong does not exist; there are: Base, Left, Right\n")
    assert "the class other is no PythonBridge; there are" in refused(f"{script}:other")


def test_a_file_without_a_backend(tmp_path: Path) -> None:
    script = write(tmp_path, "x = 1\n")
    assert "defines no subclass of PythonBridge and ran none" in refused(script)
    assert refused(f"{script}:x").endswith("the class x is no PythonBridge\n")


# --- what cannot be loaded --------------------------------------------------------------------


def test_no_target() -> None:
    done = subprocess.run(
        [sys.executable, str(MAIN)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.py"
    assert refused(missing) == f"bridgekit: cannot read {missing}: No such file or directory\n"


def test_a_windows_drive_is_no_class() -> None:
    assert target._split("C:\\code\\backend.py") == ("C:\\code\\backend.py", None)
    assert target._split("C:\\code\\backend.py:One") == ("C:\\code\\backend.py", "One")
    assert target._split(":One") == (":One", None)


def test_an_error_in_the_file_is_shown_from_the_file_on(tmp_path: Path) -> None:
    script = write(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    text = refused(script, status=1)
    assert text.startswith(
        f'Traceback (most recent call last):\n  File "{script}", line 4, in <mod'
    )
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert "bridgekit" not in text


def test_a_file_that_is_no_python(tmp_path: Path) -> None:
    script = write(tmp_path, "def f(:\n")
    text = refused(script, status=1)
    assert text.startswith(f'  File "{script}", line 1')
    assert "SyntaxError" in text


def test_an_error_in_a_module_and_a_module_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, "1 / 0\n", "broken.py")
    text = refused("broken:One", status=1, cwd=tmp_path)
    assert "ZeroDivisionError" in text
    assert "target.py" not in text
    text = refused("nowhere.at_all:One", status=1, cwd=tmp_path)
    assert text.endswith("ModuleNotFoundError: No module named 'nowhere'\n")


def test_a_file_that_ends_the_process_by_itself(tmp_path: Path) -> None:
    assert refused(write(tmp_path, "raise SystemExit(7)\n"), status=7) == ""


# --- the process it runs in -------------------------------------------------------------------


def test_stray_output_of_the_file_is_off_the_wire_from_its_first_line(tmp_path: Path) -> None:
    script = write(tmp_path, "print('loading')\n" + ONE)
    with raw_host(script) as host:
        host.ready()
        assert host.raw.startswith(b'\0{"id":0,')
        assert host.errors() == "loading\n"


def test_at_a_terminal_it_explains_itself(tmp_path: Path) -> None:
    script = write(tmp_path, ONE)
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, str(MAIN), str(script), "who"],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert '"One"' in done.stdout


def test_the_garbage_collector_works_by_the_time_that_the_file_runs(tmp_path: Path) -> None:
    script = write(
        tmp_path, ONE + "import gc\nassert gc.isenabled()\nassert gc.get_freeze_count()\n"
    )
    assert who(script)[0] == "One"
    assert gc.isenabled()
