"""The house rules that no single room can check: names, sizes, fences, versions."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import bridgekit

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bridgekit"
TESTS = ROOT / "tests"
MOST_LINES = 400
CHILD_ROOMS = ("__init__.py", "_version.py", "errors.py", "wire", "backend")
OLD_PYTHON = "3.9"

SOURCES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- every source file has a test file of its own ---------------------------------------------


def mirror_of(source: Path) -> Path:
    """`bridgekit/wire/framing/null.py` is tested by `tests/wire/framing/test_null.py`."""
    stem = source.stem.strip("_")
    return TESTS / source.relative_to(PACKAGE).parent / f"test_{stem}.py"


def only_names_things(source: Path) -> bool:
    """Whether a file holds imports, constants and docstrings, but no code."""
    code = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.With)
    tree = ast.parse(source.read_text("utf-8"))
    return not any(isinstance(node, code) for node in ast.walk(tree))


def exempt(source: Path) -> bool:
    if source.name == "windows.py":  # cannot run here; the type checker reads it as on Windows
        return True
    return source.name in ("__init__.py", "_version.py") and only_names_things(source)


def test_every_source_file_has_its_own_test_file() -> None:
    missing = [
        f"{name_of(source)} is tested by no {name_of(mirror_of(source))}"
        for source in SOURCES
        if not exempt(source) and not mirror_of(source).is_file()
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_no_file_is_long() -> None:
    long = [
        f"{name} has {lines} lines, at most {MOST_LINES} are allowed"
        for name, text in tracked_texts()
        if name.endswith((".py", ".js", ".mjs", ".ts", ".sh"))
        and (lines := text.count("\n")) > MOST_LINES
    ]
    assert not long, "\n" + "\n".join(long)


# --- the public names -------------------------------------------------------------------------


@pytest.fixture(params=["bridgekit", "bridgekit.blocking"])
def face(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_all_is_what_can_be_imported(face: ModuleType) -> None:
    assert len(face.__all__) == len(set(face.__all__)), "a name stands twice in __all__"
    for name in face.__all__:
        getattr(face, name)
    own = {
        name
        for name, value in vars(face).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith("bridgekit")
    }
    assert own <= set(face.__all__), f"public, but not in __all__: {own - set(face.__all__)}"
    assert set(dir(face)) >= set(face.__all__), "dir() hides public names"


def test_every_public_name_explains_itself(face: ModuleType) -> None:
    silent = [
        f"{face.__name__}.{name}"
        for name, value in public_members(face)
        if not (inspect.getdoc(value) or "").strip()
    ]
    assert not silent, f"no docstring: {silent}"


def public_members(face: ModuleType) -> Iterator[tuple[str, object]]:
    for name in face.__all__:
        value = getattr(face, name)
        if not (inspect.isclass(value) or callable(value)):
            continue
        yield name, value
        if not inspect.isclass(value):
            continue
        for attribute in vars(value):
            member = inspect.getattr_static(value, attribute)
            described = (property, classmethod, staticmethod)
            if attribute.startswith("_") or not (
                inspect.isfunction(member) or isinstance(member, described)
            ):
                continue
            yield f"{name}.{attribute}", getattr(value, attribute)


# --- what a child loads -----------------------------------------------------------------------


def child_sources() -> list[Path]:
    found: list[Path] = []
    for room in CHILD_ROOMS:
        path = PACKAGE / room
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


@pytest.mark.parametrize("source", child_sources(), ids=name_of)
def test_a_child_imports_only_the_standard_library_at_the_top_of_a_module(source: Path) -> None:
    known = {*sys.stdlib_module_names, "bridgekit", source.stem}  # codec/msgpack.py is asked for
    strangers = [
        f"line {line}: {name}"
        for line, name in top_level_imports(ast.parse(source.read_text("utf-8")).body)
        if name.partition(".")[0] not in known
    ]
    assert not strangers, f"{name_of(source)} imports {strangers} when it is loaded"


def top_level_imports(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Imports that run when the module is loaded, those for type checkers left out."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."
        elif isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from top_level_imports(node.body)
            yield from top_level_imports(node.orelse)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody):
                yield from top_level_imports(part)
            for handler in node.handlers:
                yield from top_level_imports(handler.body)


OLD_PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
failed = []
for path, module in (line.split() for line in sys.stdin):
    try:
        with open(path, encoding="utf-8") as file:
            compile(file.read(), path, "exec")
        if not path.endswith(("windows.py", "__main__.py")):
            __import__(module)
    except ModuleNotFoundError as error:
        if error.name not in ("msgpack", "orjson"):
            failed.append("%s: %r" % (module, error))
    except Exception as error:
        failed.append("%s: %r" % (module, error))
print("\\n".join(failed))
"""


def test_a_child_of_an_old_interpreter_can_load_what_it_is_lent() -> None:
    finder = [sys.executable, str(ROOT / "scripts/find_pythons.py"), "--only", OLD_PYTHON]
    old = subprocess.run(finder, capture_output=True, text=True, check=False).stdout.strip()
    if not old:
        pytest.skip(f"no CPython {OLD_PYTHON} on this machine; ruff and vermin still check")
    modules = "".join(f"{source} {module_of(source)}\n" for source in child_sources())
    done = subprocess.run(
        [old, "-I", "-B", "-c", OLD_PROBE, str(ROOT)],
        input=modules, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stdout.strip(), done.stdout


def module_of(source: Path) -> str:
    parts = source.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_room_is_a_package() -> None:
    """A folder without ``__init__.py`` would be invisible to the import contracts."""
    folders = {source.parent for source in SOURCES}
    bare = [name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    assert not bare, f"no __init__.py in {bare}"


# --- versions and packaging -------------------------------------------------------------------


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert bridgekit.__version__ == importlib.metadata.version("bridgekit-ipc")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changes, re.MULTILINE)
    announced = f"Version {bridgekit.__version__} is in the making" in changes
    assert headings[0] == "Unreleased"
    assert announced or bridgekit.__version__ in headings, "the changelog lacks this version"


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


# --- what must not be in the repository -------------------------------------------------------

PRIVATE = re.compile(
    r"""/root/ | /work/ | \.pyenv/versions/\d | /Users/\w+/ | /home/(?!user/|me/|ada/)\w+/
    | index-url | registry\.npmjs\.org | files\.pythonhosted\.org | /simple/
    | "resolved":\s*"http""",
    re.VERBOSE,
)


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts()
        if name != name_of(Path(__file__))
        for number, line in enumerate(text.splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert not found, "\n" + "\n".join(found)


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Every text file of the repository; of a folder without git, every file in its rooms."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    names = [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
    if listing.returncode or not names:
        names = [name_of(path) for path in [*SOURCES, *TESTS.rglob("*.py")]]
    for name in names:
        try:
            yield name, (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
