"""Every field of a spec: its default, what it takes, what it refuses and how it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from bridgekit.policy.spec import BackendSpec


def test_defaults() -> None:
    spec = BackendSpec("counter.py")
    assert (spec.target, spec.name, spec.args, spec.cwd, spec.python) == (
        "counter.py",
        None,
        (),
        None,
        None,
    )
    assert dict(spec.env) == {}
    assert (spec.start_timeout, spec.call_timeout, spec.stop_grace, spec.cancel_grace) == (
        10.0,
        30.0,
        5.0,
        2.0,
    )
    assert (spec.wire, spec.hello) == ("native", True)


def test_paths_and_lists_are_taken() -> None:
    spec = BackendSpec(
        ["node", Path("a.js")], args=[Path("x"), "y"], cwd=Path("/tmp"), python=Path("/venv")
    )
    assert spec.target == ("node", "a.js")
    assert (spec.args, spec.cwd, spec.python) == (("x", "y"), "/tmp", "/venv")
    assert BackendSpec(Path("a.py")).target == "a.py"


def test_specs_are_frozen_comparable_and_hashable() -> None:
    env = {"A": "1"}
    spec = BackendSpec("a.py", env=env)
    env["A"] = "2"
    assert spec.env["A"] == "1"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.name = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.env["A"] = "3"  # type: ignore[index]
    assert spec == BackendSpec("a.py", env={"A": "1"})
    assert hash(spec) == hash(BackendSpec("a.py", env={"A": "1"}))


def test_values_of_the_environment_are_not_shown() -> None:
    shown = repr(BackendSpec("a.py", env={"TOKEN": "hunter2"}))
    assert "TOKEN" in shown
    assert "hunter2" not in shown


def test_nor_are_secrets_on_the_command_line() -> None:
    words = ["--api-key", "hunter2", "--token=hunter2", "--fast", "-v", "db://me:hunter2@host/x"]
    for spec in (BackendSpec("a.py", args=words), BackendSpec(["a", *words])):
        shown = repr(spec)
        assert "hunter2" not in shown
        assert "'--api-key', '***', '--token=***', '--fast', '-v', 'db://me:***@host/x'" in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", ""),
        ("target", ()),
        ("target", 3),
        ("target", ["", "x"]),
        ("target", ["a", 3]),
        ("target", "a\0b"),
        ("name", ""),
        ("name", 3),
        ("name", "a\nb"),
        ("name", "a\x1b[2J"),
        ("args", "text"),
        ("args", [3]),
        ("args", ["a\0"]),
        ("env", ["A=1"]),
        ("env", {"": "1"}),
        ("env", {"A=": "1"}),
        ("env", {"A": 1}),
        ("env", {"A": "\0"}),
        ("inherit_env", "PATH"),
        ("roots", [3]),
        ("cwd", 3),
        ("cwd", ""),
        ("python", 3),
        ("wire", ""),
        ("wire", None),
        ("wire", "nope"),
        ("wire", "_batch"),
        ("hello", 1),
        ("max_frame", 10),
        ("max_frame", "16M"),
        ("max_frame", True),
        ("start_timeout", 0),
        ("start_timeout", None),
        ("start_timeout", float("inf")),
        ("start_timeout", float("nan")),
        ("call_timeout", 0),
        ("call_timeout", "3"),
        ("stop_grace", -1),
        ("stop_grace", True),
        ("cancel_grace", float("inf")),
    ],
)
def test_bad_values_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        BackendSpec(**{"target": "a.py", name: value})


def test_an_unknown_wire_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"wire='nope' is not allowed: .*jsonrpc, lsp, msgpack, native"
    ):
        BackendSpec("a.py", wire="nope")
    assert BackendSpec("a.py", wire="lsp").wire == "lsp"


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="TOKEN") as caught:
        BackendSpec("a.py", env={"TOKEN": "hunter2\0"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("call_timeout", None), ("stop_grace", 0), ("env", {"A": None})]
)
def test_limits_of_what_is_allowed(name: str, value: Any) -> None:
    BackendSpec(**{"target": "a.py", name: value})
