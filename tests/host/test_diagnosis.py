"""A failed start explains itself."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bridgekit.host.diagnosis import SILENT, explain_start_failure, start_hint
from bridgekit.host.interpreters import Interpreter
from bridgekit.host.launchers import LaunchPlan
from bridgekit.host.targets import Target

PLAN = LaunchPlan(
    name="counter",
    argv=("/opt/python", "main.py", "counter.py"),
    env={"API_TOKEN": "hush"},
    cwd=None,
    target=Target("script", "counter", ("counter.py",), "/x/counter.py"),
    python=Interpreter("/opt/python", "PATH"),
)


def ended(code: int | None) -> Any:
    return SimpleNamespace(pid=42, ended=True, returncode=code)


def test_the_whole_story() -> None:
    stderr = "Traceback ...\nModuleNotFoundError: No module named 'numpy'\n"
    error = explain_start_failure(PLAN, ended(1), stderr, "it ended with exit code 1")
    text = str(error)
    assert text.startswith("backend 'counter' did not start: it ended with exit code 1\n")
    assert (
        "hint: it needs the package 'numpy', which /opt/python does not have; install it there: "
        "/opt/python -m pip install numpy, or name another interpreter with python=...\n"
    ) in text
    assert "command: /opt/python main.py counter.py" in text
    assert "  ModuleNotFoundError: No module named 'numpy'" in text
    assert (error.backend, error.pid, error.exit_code, error.stderr) == ("counter", 42, 1, stderr)
    assert "hush" not in text
    assert "hush" not in repr(PLAN)


def test_without_a_process_and_without_a_word() -> None:
    error = explain_start_failure(PLAN, None, "", "no answer")
    assert "wrote nothing to stderr" in str(error)
    assert error.pid is None
    assert error.exit_code is None


OURS = 'Traceback:\n  File "/lib/bridgekit/__init__.py", line 8\n'


@pytest.mark.parametrize(
    ("code", "stderr", "gone", "said"),
    [
        (1, "SyntaxError: invalid syntax\n", True, "syntax error"),
        (
            1,
            OURS + "    from __future__ import annotations\n  ^\nSyntaxError: x\n",
            True,
            "too old",
        ),
        (1, OURS + "    x\nAttributeError: 'sys.flags' object has no\n", True, "too old"),
        (1, OURS + '  File "/x/app.py", line 1\nSyntaxError: x\n', True, "syntax error"),
        (0, "", True, "without serving"),
        (None, "", False, "raise start_timeout"),
        (-11, "", True, "native code crashed"),
        (-9, "", True, "OOM"),
        (1, "ValueError: x", True, None),
    ],
)
def test_hints(code: int | None, stderr: str, gone: bool, said: str | None) -> None:
    hint = start_hint(PLAN, code, stderr, gone=gone)
    assert (hint is None) if said is None else (hint is not None and said in hint)


@pytest.mark.parametrize("module", ["shop", "shop.tills"])
def test_a_module_that_is_the_target_itself(module: str) -> None:
    target = Target("module", "Counter", ("shop.tills:Counter",))
    plan = LaunchPlan("x", ("py",), {}, "/srv", target, Interpreter("/opt/python", "PATH"))
    hint = start_hint(plan, 1, f"ModuleNotFoundError: No module named {module!r}\n", gone=True)
    assert hint is not None
    assert f"no module {module!r} in the working directory (/srv)" in hint
    hint = start_hint(plan, 1, "ModuleNotFoundError: No module named 'shopping'\n", gone=True)
    assert hint is not None
    assert "it needs the package 'shopping'" in hint


def test_a_module_of_a_newer_standard_library() -> None:
    hint = start_hint(PLAN, 1, "ModuleNotFoundError: No module named 'tomllib'\n", gone=True)
    assert hint is not None
    assert "pip" not in hint
    assert "standard library" in hint


def test_a_command_is_named_where_there_is_no_interpreter() -> None:
    plan = LaunchPlan("x", (sys.executable,), {}, None, Target("command", "x", (sys.executable,)))
    hint = start_hint(plan, 1, "ModuleNotFoundError: No module named 'a'\n", gone=True)
    assert hint is not None
    assert sys.executable in hint


def test_a_start_that_only_took_too_long_is_known_to_programs() -> None:
    assert explain_start_failure(PLAN, None, "", f"{SILENT} 5 s").timed_out
    assert not explain_start_failure(PLAN, ended(1), "", "it ended with exit code 1").timed_out
